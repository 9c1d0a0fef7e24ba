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

/** createLogger makes the root logger: one JSON object per line, time in ISO 8601. */
export function createLogger(options: LoggerOptions): Logger {
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: {
        level: (label) => ({ level: label }),
        log: (object) => redact(object) as Record<string, unknown>,
        bindings: (bindings) => redact(bindings) as Record<string, unknown>,
      },
      serializers: {},
      hooks: {
        logMethod(args, method) {
          const [first, second, ...rest] = args as unknown[];
          // Messages too pass the patterns: a message built from input must not carry a key.
          if (typeof first === 'string') method.apply(this, [redact(first) as string]);
          else method.apply(this, [first, redact(second), ...rest] as Parameters<typeof method>);
        },
      },
    },
    guard(options.destination ?? pino.destination({ sync: true, fd: 1 })),
  ) as unknown as Logger;
}
