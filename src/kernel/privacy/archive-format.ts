/** What an archive looks like inside has a version, so that a server knows what it can read. */

/**
 * archiveFormat is the version that is written; all up to it are read. 2: the names of files follow their ids, and
 * index.html leads people through it.
 */
export const archiveFormat = 2;
