/** The one place where anything thrown becomes an answer: an AppError, and from it a problem document (K6.1). */
import { isAppError, kernelErrors, toProblem, type AppError, type Problem } from '#kernel/errors';

const quotaExceededType = 'https://iana.org/assignments/http-problem-types#quota-exceeded';

/** toAppError maps what libraries throw; what nobody expected becomes INTERNAL and keeps its cause for the log. */
export function toAppError(error: unknown): AppError {
  if (isAppError(error)) return error;
  return fromDatabase(error) ?? fromFastify(error) ?? kernelErrors.INTERNAL({ cause: error });
}

/** renderProblem returns the problem document and the headers that go with it. */
export function renderProblem(
  error: AppError,
  requestId: string,
): { problem: Problem; headers: Record<string, string> } {
  const problem = toProblem(error, requestId);
  const headers: Record<string, string> = {};
  const wait = error.options.retryAfterSeconds ?? (error.status === 503 ? 5 : undefined);
  if (wait !== undefined) headers['retry-after'] = String(Math.max(1, Math.ceil(wait)));
  return { problem: error.status === 429 ? { ...problem, type: quotaExceededType } : problem, headers };
}

/** databaseCode finds an SQLSTATE in an error or its causes (Drizzle wraps the driver's error). */
export function databaseCode(error: unknown, depth = 0): string | null {
  if (!(error instanceof Error) || depth > 4) return null;
  const { code, severity } = error as { code?: unknown; severity?: unknown };
  if (typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code;
  return databaseCode(error.cause, depth + 1);
}

const busyCodes = new Set(['40001', '40P01', '55P03', '57014', '57P01', '57P02', '57P03']);
const diskFullCode = '53100';
const conflictCodes = new Set(['23505', '23503', '23P01']);
const unreachableCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'ETIMEDOUT']);

function fromDatabase(error: unknown): AppError | null {
  const code = databaseCode(error);
  if (code === null) return isLostDatabase(error) ? kernelErrors.UNAVAILABLE({ cause: error }) : null;
  if (conflictCodes.has(code)) return kernelErrors.CONFLICT({ cause: error });
  if (code.startsWith('22')) return kernelErrors.INVALID_REQUEST({ cause: error });
  if (code === diskFullCode)
    return kernelErrors.UNAVAILABLE({
      cause: error,
      detail: 'The server’s disk is full. Nothing was saved. Tell the administrator.',
    });
  // 08 connection, 53 resources (too many connections): the operator must hear, the caller may retry.
  if (busyCodes.has(code) || code.startsWith('08') || code.startsWith('53'))
    return kernelErrors.UNAVAILABLE({ cause: error });
  return null;
}

/** isLostDatabase recognises what pg throws when the server goes away in mid-query or the pool cannot connect. */
function isLostDatabase(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(
      error.message,
    )
  )
    return true;
  const { code, syscall } = error as { code?: unknown; syscall?: unknown };
  if (syscall === 'connect' && typeof code === 'string' && unreachableCodes.has(code)) return true;
  return isLostDatabase(error.cause);
}

/** What the router says of an address before there is a route; the rest of its complaints are about bodies. */
const unreadableAddress = new Set(['FST_ERR_BAD_URL', 'FST_ERR_MAX_PARAM_LENGTH']);

function invalid(pointer: string, detail: string): AppError {
  return kernelErrors.INVALID_REQUEST({ detail, errors: [{ pointer, detail }] });
}

function fromFastify(error: unknown): AppError | null {
  if (!(error instanceof Error)) return null;
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown };
  if (code === 'ECONNRESET' || code === 'ERR_STREAM_PREMATURE_CLOSE') return invalid('/body', 'The request broke off.');
  if (typeof code !== 'string' || !code.startsWith('FST_') || typeof statusCode !== 'number') return null;
  switch (statusCode) {
    case 413:
      return kernelErrors.PAYLOAD_TOO_LARGE();
    case 406: // what @fastify/multipart says to a body that is not multipart
    case 415:
      return kernelErrors.UNSUPPORTED_MEDIA_TYPE();
    case 503:
      return kernelErrors.UNAVAILABLE({ retryAfterSeconds: 2 });
    default:
      if (statusCode >= 500) return null;
      return unreadableAddress.has(code)
        ? invalid('/path', 'This address cannot be read: a part of it is too long, or no text behind its % signs.')
        : invalid('/body', 'The body is not what its headers say.');
  }
}
