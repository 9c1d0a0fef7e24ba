/** An unexpected error is described for the log by what it is and where it arose, never by the data it met (K7.1). */
import { databaseCode } from './problem-mapper.ts';

const maxFrames = 20;

/**
 * describeError returns plain fields. Messages are kept except where libraries are known to quote input in them:
 * the driver and Drizzle (values, parameters) and JSON.parse (a piece of the text).
 */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, constraint, table, routine } = error as unknown as Record<string, unknown>;
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, maxFrames);
  return {
    type: error.name,
    ...(quotesInput(error) ? {} : { message: error.message }),
    ...textFields({ code, constraint, table, routine }),
    frames: frames.map((line) => line.trim()).join('\n'),
    ...(error.cause !== undefined && depth < 3 ? { cause: describeError(error.cause, depth + 1) } : {}),
  };
}

function quotesInput(error: Error): boolean {
  return error instanceof SyntaxError || error.message.startsWith('Failed query') || databaseCode(error) !== null;
}

function textFields(fields: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
