/** The server's log goes to standard error without making a request wait for the write; the end of the process loses no line. */
import { pino, type DestinationStream } from 'pino';

/**
 * openStandardError makes a sink that writes in the background, lines that arrive meanwhile in one go: a write per line
 * took a quarter of the processor's time of a busy server. Only a kill -9 loses the lines of its last moment.
 */
export function openStandardError(): DestinationStream {
  const sink = pino.destination({ fd: 2, sync: false });
  process.on('exit', () => {
    try {
      sink.flushSync();
    } catch {
      // Never opened, or closed by its reader: there is nobody to tell.
    }
  });
  return sink;
}
