/** When the event loop lags, new work is turned away with a time to come back, before everything becomes slow (K15.3). */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { kernelErrors } from '#kernel/errors';

/** Mean delay of the event loop, over a sample, beyond which requests are shed. */
const maxDelayMilliseconds = 750;
const sampleMilliseconds = 500;
const resolutionMilliseconds = 10;

/** mountLoadShedding refuses requests with UNAVAILABLE while the event loop lags; `isExempt` requests always pass. */
export function mountLoadShedding(server: FastifyInstance, isExempt: (request: FastifyRequest) => boolean): void {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMilliseconds });
  let isOverloaded = false;
  histogram.enable();
  const timer = setInterval(() => {
    isOverloaded = histogram.mean / 1e6 - resolutionMilliseconds > maxDelayMilliseconds;
    histogram.reset();
  }, sampleMilliseconds);
  timer.unref();
  server.addHook('onRequest', async (request) => {
    if (isOverloaded && !isExempt(request)) throw kernelErrors.UNAVAILABLE({ retryAfterSeconds: 2 });
  });
  server.addHook('onClose', async () => {
    clearInterval(timer);
    histogram.disable();
  });
}
