/** When the event loop lags, new work is turned away with a time to come back, before everything becomes slow (K15.3). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { kernelErrors } from '#kernel/errors';

/** Mean delay of the event loop, over a sample, beyond which requests are shed. */
const maxDelayMilliseconds = 750;
const sampleMilliseconds = 500;
/** One long pause (a module being loaded) is no overload; this many bad samples in a row are. */
const samplesUntilShedding = 3;
const resolutionMilliseconds = 10;

/** mountLoadShedding refuses requests with UNAVAILABLE while the event loop lags; `isExempt` requests always pass. */
export function mountLoadShedding(server: FastifyInstance, isExempt: (request: FastifyRequest) => boolean): void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMilliseconds });
  let badSamples = 0;
  histogram.enable();
  const timer = setInterval(() => {
    // After a reset the first tick only sets the clock: in a loop so late that it ticks once per sample nothing is recorded,
    // and a reset now would keep it so for ever.
    if (histogram.count === 0) return;
    const isLate = histogram.mean / 1e6 - resolutionMilliseconds > maxDelayMilliseconds;
    badSamples = isLate ? badSamples + 1 : 0;
    histogram.reset();
  }, sampleMilliseconds);
  timer.unref();
  server.addHook('onRequest', async (request) => {
    if (badSamples >= samplesUntilShedding && !isExempt(request))
      throw kernelErrors.UNAVAILABLE({ retryAfterSeconds: 2 });
  });
  server.addHook('onClose', async () => {
    clearInterval(timer);
    histogram.disable();
  });
}
