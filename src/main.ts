/** Starts the server, prints one line with its link, and ends it without losing work when asked to. */
import { parseArgs } from 'node:util';
import { currentEnvironment, loadConfig, type LoadedConfig } from '#kernel/config';
import { createLogger, openStandardError, type Logger } from '#kernel/log';
import type { Bulkhead } from './compose.ts';
import { describeStartFailure } from './start-failure.ts';

const usage = 'Usage: node src/main.ts [serve] [--role all|web|worker]. Everything else: npm run bulkhead help.';
const badUsage = 2;

/** readArguments understands `serve` (the default) and `--role`. Anything else ends the process with a hint. */
function readArguments(): Record<string, string> {
  try {
    const { values, positionals } = parseArgs({ allowPositionals: true, options: { role: { type: 'string' } } });
    const [command = 'serve', ...rest] = positionals;
    if (command !== 'serve' || rest.length > 0) throw new TypeError(`Unknown command: ${positionals.join(' ')}`);
    return values.role === undefined ? {} : { ROLE: values.role };
  } catch (error) {
    console.error(`${(error as Error).message}\n${usage}`);
    process.exit(badUsage);
  }
}

/** makeLogger writes to standard error; on a terminal, where people read, only warnings unless LOG_LEVEL asks for more. */
function makeLogger({ config, sources }: LoadedConfig): Logger {
  const isQuiet = process.stderr.isTTY && sources.LOG_LEVEL === 'default';
  return createLogger({ level: isQuiet ? 'warn' : config.logLevel, destination: openStandardError() });
}

/** One wish to end arrives several times: the terminal or service manager signals the group, npm and the launcher forward. */
const echoMilliseconds = 2_000;

/** endOnSignals drains at the first signal and gives up at the second that is no echo of the first. */
function endOnSignals(bulkhead: Bulkhead, log: Logger): void {
  let endingSince: number | undefined;
  const end = async (): Promise<void> => {
    if (endingSince !== undefined) {
      if (performance.now() - endingSince > echoMilliseconds) process.exit(130);
      return;
    }
    endingSince = performance.now();
    log.info('ending: new work is turned away, what runs may finish');
    try {
      await bulkhead.drain();
      await bulkhead.close();
    } catch (error) {
      log.error({ err: error }, 'the server did not end cleanly');
      process.exit(1);
    }
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end());
}

/** endOnSurprise: state nobody understands is left at once; everything durable is in the database. */
function endOnSurprise(log: Logger): void {
  for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
    process.on(event, (error: unknown) => {
      log.fatal({ err: error }, event);
      process.exit(1);
    });
  }
}

/** logWarnings keeps Node's own warnings in the log's one format; those for developers of libraries are for debugging. */
function logWarnings(log: Logger): void {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    const level = warning.name === 'DeprecationWarning' ? 'debug' : 'warn';
    log[level]({ err: warning }, 'Node warns');
  });
}

async function serve(): Promise<void> {
  const loaded = loadConfig({ ...currentEnvironment(), ...readArguments() });
  const log = makeLogger(loaded);
  endOnSurprise(log);
  logWarnings(log);
  // Loaded now, so that a bad configuration is told at once.
  const { composeBulkhead } = await import('./compose.ts');
  const bulkhead = await composeBulkhead({ config: loaded.config, log });
  try {
    endOnSignals(bulkhead, log);
    const { url } = await bulkhead.listen();
    const setupLink = await bulkhead.createSetupLink(url);
    console.log(setupLink ? `Bulkhead is ready. Create its owner: ${setupLink}` : `Bulkhead is ready: ${url}`);
  } catch (error) {
    await bulkhead.close();
    throw error;
  }
}

try {
  await serve();
} catch (error) {
  const { text, exitCode } = describeStartFailure(error);
  console.error(text);
  process.exit(exitCode);
}
