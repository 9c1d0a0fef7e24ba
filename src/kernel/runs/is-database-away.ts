/** Tells a database that is away for now (restarting, unreachable, out of room) from one that refuses a statement. */

const awayStates = /^(08...|57P0[1-5]|53...|25006)$/;
const awaySystemErrors = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT', 'EAI_AGAIN', 'ENOTFOUND']);
const awayMessages = /connection terminated|connection timeout|timeout exceeded when trying to connect|client has encountered a connection error|client was closed/i;

/** isDatabaseAway is true when the same work may succeed once the database is back. Looks through `cause`. */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && (awayStates.test(code) || awaySystemErrors.has(code))) return true;
  return awayMessages.test(error.message) || isDatabaseAway(error.cause);
}
