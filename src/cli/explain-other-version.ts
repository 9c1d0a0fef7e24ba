/** A command that does not migrate says so when the tables are not those it knows, instead of showing SQL. */

/** PostgreSQL: undefined table, undefined column, undefined schema. */
const otherVersionCodes = new Set(['42P01', '42703', '3F000']);

/** explainOtherVersion runs `work`. Throws a sentence for the terminal when a table or column of this version is missing. */
export async function explainOtherVersion<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (!otherVersionCodes.has(code)) throw error;
    throw new Error(
      'The database is not of this version of Bulkhead. Start this version once (it migrates), or use the version that was started last.',
      { cause: error },
    );
  }
}
