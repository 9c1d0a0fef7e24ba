/** A start that fails says in plain words what is wrong and what to do; a stack is shown only for what nobody foresaw. */
import { ConfigError } from '#kernel/config';
import type { DatabaseStartError } from '#kernel/db';

export interface StartFailure {
  readonly text: string;
  readonly exitCode: number;
}

/** Exit code for a bad configuration, as in sysexits.h (EX_CONFIG). */
const badConfiguration = 78;

/** By name: loading the database's module only to compare a class would make the telling of a typing error slow. */
function isDatabaseStartError(error: unknown): error is DatabaseStartError {
  return error instanceof Error && error.name === 'DatabaseStartError';
}

/** The door of the database is not imported here: a bad setting is told before it is loaded. */
const lostDatabaseCodes = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', '57P01', '57P02', '57P03']);

/** describeStartFailure gives the text for standard error and the exit code. */
export function describeStartFailure(error: unknown): StartFailure {
  if (error instanceof ConfigError) return { text: error.message, exitCode: badConfiguration };
  if (isDatabaseStartError(error)) return { text: error.message, exitCode: 1 };
  const { code, port, address = 'the address' } = error as { code?: string; port?: number; address?: string };
  if (code === 'EADDRINUSE') {
    return {
      text: `Port ${port} is already in use on ${address}. Stop the program that uses it, or choose another with PORT=<number>.`,
      exitCode: 1,
    };
  }
  if (code === 'EACCES' && port !== undefined) {
    return {
      text: `This user may not listen on port ${port}. Choose one above 1023 with PORT=<number>, and put a proxy in front of it.`,
      exitCode: 1,
    };
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return {
      text: `HOST: ${address} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all.`,
      exitCode: 1,
    };
  }
  // The port's own errors are above: what is left without a connection is the database.
  if (
    error instanceof Error &&
    (lostDatabaseCodes.has(code ?? '') || error.message.startsWith('Connection terminated'))
  ) {
    return {
      text: 'The database went away while the server was starting. See that it runs, and start again.',
      exitCode: 1,
    };
  }
  return { text: error instanceof Error ? (error.stack ?? error.message) : String(error), exitCode: 1 };
}
