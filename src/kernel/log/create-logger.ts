/** One structured logger for the server; secrets and people's words are removed by field name and by pattern (K7.1). */
import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { redact } from './redact.ts';

export type Logger = Pick<PinoLogger, 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  child(bindings: Record<string, unknown>): Logger;
};

export interface LoggerOptions {
  readonly level: string;
  /** Where lines go; standard output by default. */
  readonly destination?: DestinationStream;
}

/** guard keeps a failing sink (closed pipe, full disk) from reaching the server. */
function guard(destination: DestinationStream): DestinationStream {
  const stream = destination as DestinationStream & { on?: (event: 'error', listener: () => void) => void };
  stream.on?.('error', () => undefined);
  return {
    write(line: string): void {
      try {
        destination.write(line);
      } catch {
        // The sink is broken; losing a log line is better than losing a request.
      }
    },
  };
}

/**
 * redactArguments: messages pass the patterns too, because a message built from input must not carry a key. pino takes
 * the message of an error that comes alone and would write it untouched, so it is given here.
 */
function redactArguments([first, message, ...rest]: readonly unknown[]): unknown[] {
  if (typeof first === 'string') return [redact(first)];
  const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err;
  if (message === undefined) return error instanceof Error ? [first, redact(error.message)] : [first];
  return [first, redact(message), ...rest.map((value) => redact(value))];
}

/** createLogger makes the root logger: one JSON object per line, time in ISO 8601. */
export function createLogger(options: LoggerOptions): Logger {
  const root = pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (object) => redact(object) as Record<string, unknown>,
      },
      // redact has rendered errors already; pino's own serializer would do it again, without redaction.
      serializers: { err: (error: unknown) => error },
      hooks: {
        logMethod(args, method) {
          method.apply(this, redactArguments(args) as Parameters<typeof method>);
        },
      },
    },
    guard(options.destination ?? pino.destination({ sync: true, fd: 1 })),
  );
  // pino formats the fields of the root only; children inherit this method through their prototype.
  const makeChild = root.child;
  root.child = function child(this: PinoLogger, bindings: Record<string, unknown>) {
    return makeChild.call(this, redact(bindings) as Record<string, unknown>);
  } as typeof root.child;
  return root;
}
