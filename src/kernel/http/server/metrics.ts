/** Metrics are the server's figures for Prometheus, readable from this machine or with the token, by nobody else (K15.1). */
import { timingSafeEqual, createHash } from 'node:crypto';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Services } from '#kernel/app';
import { kernelErrors } from '#kernel/errors';
import type { EventStreams } from './event-stream.ts';
import type { ObserveRequest } from './request-log.ts';

export interface Metrics {
  readonly registry: Registry;
  readonly observe: ObserveRequest;
}

/** createMetrics makes a registry of its own, so that two servers in one process (tests) do not mix. */
export function createMetrics(services: Services, streams: EventStreams): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const duration = new Histogram({
    name: 'bulkhead_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the end of its answer, by route',
    labelNames: ['route', 'method', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    registers: [registry],
  });
  const errors = new Counter({
    name: 'bulkhead_http_errors_total',
    help: 'Answers with status 500 and above, by route',
    labelNames: ['route'],
    registers: [registry],
  });
  gauge(registry, 'bulkhead_event_streams', 'Open event streams', () => streams.count);
  gauge(
    registry,
    'bulkhead_limits_degraded',
    '1 while limits are counted in this process because the store is down',
    () => Number(services.limits.isDegraded),
  );
  gauge(registry, 'bulkhead_runs_active', 'Runs executing in this process', () => services.runs.stats().active);
  gauge(
    registry,
    'bulkhead_runs_finished',
    'Runs finished in this process since its start',
    () => services.runs.stats().finished,
  );
  for (const state of ['total', 'idle', 'waiting'] as const) {
    gauge(
      registry,
      `bulkhead_database_connections_${state}`,
      `Database connections of the pools: ${state}`,
      () => services.db.stats()[state],
    );
  }
  return {
    registry,
    observe(route, method, status, seconds) {
      duration.observe({ route, method, status }, seconds);
      if (status >= 500) errors.inc({ route });
    },
  };
}

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(read());
      },
    }),
  );
}

/** mountMetrics adds GET /metrics. */
export function mountMetrics(server: FastifyInstance, metrics: Metrics, token: string | undefined): void {
  server.get('/metrics', async (request, reply) => {
    if (!mayRead(request, token)) throw kernelErrors.NOT_FOUND();
    return reply
      .header('cache-control', 'no-store')
      .header('content-type', metrics.registry.contentType)
      .send(await metrics.registry.metrics());
  });
}

const loopback = /^(?:127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|::ffff:127\.\d{1,3}\.\d{1,3}\.\d{1,3})$/;

/** mayRead believes the socket, and only when nothing says that a proxy on this machine passes somebody else on. */
function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  const { authorization, forwarded, via } = request.headers;
  if (token !== undefined && authorization?.startsWith('Bearer ')) return isSame(authorization.slice(7), token);
  const isForwarded = request.headers['x-forwarded-for'] !== undefined || forwarded !== undefined || via !== undefined;
  return !isForwarded && loopback.test(request.socket.remoteAddress ?? '');
}

function isSame(given: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(expected));
}
