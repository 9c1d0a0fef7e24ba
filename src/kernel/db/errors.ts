/** Failures of the database: those an operator must mend before a start, and those of misuse by our own code. */

export type DatabaseStartCode =
  | 'DATA_DIR_UNUSABLE'
  | 'ALREADY_RUNNING'
  | 'DISK_FULL'
  | 'PLATFORM_UNSUPPORTED'
  | 'BINARIES_MISSING'
  | 'POSTMASTER_FAILED'
  | 'UNREACHABLE'
  | 'VERSION_TOO_OLD'
  | 'ROLES_MISSING'
  | 'MIGRATION_CHANGED'
  | 'MIGRATION_OUT_OF_ORDER'
  | 'MIGRATION_FAILED'
  | 'SCHEMA_NEWER'
  | 'ISOLATION_BROKEN'
  | 'BACKUP_BROKEN'
  | 'RESTORE_REFUSED';

/**
 * DatabaseStartError stops a start (or a backup). Its message is written for the operator: what is wrong and what to
 * do, without secrets; print it as it is, without the stack.
 */
export class DatabaseStartError extends Error {
  readonly code: DatabaseStartCode;
  constructor(code: DatabaseStartCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'DatabaseStartError';
    this.code = code;
  }
}

/** errorCode returns the `code` of a system or PostgreSQL error (`ENOSPC`, `42P04`), or an empty string. */
export function errorCode(error: unknown): string {
  const code = typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' ? code : '';
}

const systemCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
// admin_shutdown, crash_shutdown, cannot_connect_now, idle_in_transaction is not one of them; 08xxx is the class itself.
const postgresCodes = new Set(['57P01', '57P02', '57P03', '53300']);

/** isConnectionError tells whether the server was unreachable or going away, rather than the statement being wrong. */
export function isConnectionError(error: unknown): boolean {
  const code = errorCode(error);
  if (systemCodes.has(code) || postgresCodes.has(code) || code.startsWith('08')) return true;
  const message = error instanceof Error ? error.message : '';
  return /Connection terminated|connection error and is not queryable|timeout exceeded when trying to connect/.test(
    message,
  );
}
