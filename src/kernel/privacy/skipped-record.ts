/** Says why a record of an archive is left out, in words for the person who brought it. */
export class SkippedRecord extends Error {
  override readonly name = 'SkippedRecord';
}
