/** Tells a database that is away for now (restarting, unreachable, out of room) from one that refuses a statement. */
import { isConnectionError } from '#kernel/db';
import { isAppError } from '#kernel/errors';

/** SQLSTATE class 53, insufficient resources: a full disk or too many connections pass, and nothing was written. */
const outOfResources = /^53/;

/**
 * isDatabaseAway is true when the same work may succeed once the database is back. Looks through `cause`, but not into
 * failures that were already named: an unreachable model is no absent database.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error) || isAppError(error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && outOfResources.test(code)) return true;
  return isConnectionError(error) || isDatabaseAway(error.cause);
}
