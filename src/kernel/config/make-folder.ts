/** A folder is made with all above it, or an error says why not; it never tries for ever. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

function isFolder(path: string): boolean {
  // Throws for what is there and cannot be looked at; a missing one is no error.
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/**
 * makeFolder makes `path` (absolute) with `mode`, and what is missing above it. Unlike mkdirSync's `recursive`, which spins for
 * ever where a file system answers ENOENT to making a folder (/proc, automounts; seen with Node 24.21), it throws.
 */
export function makeFolder(path: string, mode?: number): void {
  if (isFolder(path)) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Another process may have made it meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !isFolder(path)) throw error;
  }
}
