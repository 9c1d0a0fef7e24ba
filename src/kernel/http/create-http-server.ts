/** createHttpServer puts the house together: bounds and headers on everything, the API, the pages, health and metrics. */
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Services } from '#kernel/app';
import { kernelErrors } from '#kernel/errors';
import { httpErrors } from './errors.ts';
import { defaultStreamLimits, EventStreams, type StreamLimits } from './event-stream.ts';
import { apiPrefix, countRefusal, mountRoutes } from './mount-routes.ts';
import type { Policy } from './policy.ts';
import { renderProblem, toAppError } from './problem-mapper.ts';
import { refuseRaw } from './raw-refusal.ts';
import { logWhenDone } from './request-log.ts';
import { stateOf } from './request-state.ts';
import type { RunnerHost } from './route-runner.ts';
import { baseHeaders } from './security-headers.ts';
import type { Route } from './types.ts';

export interface HttpServerOptions {
  readonly policy: Policy;
  readonly streamLimits?: StreamLimits;
}

export interface HttpServer {
  readonly fastify: FastifyInstance;
  readonly streams: EventStreams;
  readonly routes: readonly Route[];
}

const maxAddressLength = 8 * 1024;
const maxHeaderBytes = 16 * 1024;

/** createHttpServer mounts the routes and returns a server that does not listen yet. Throws when routes clash. */
export async function createHttpServer(services: Services, routes: readonly Route[], options: HttpServerOptions): Promise<HttpServer> {
  const { config, log } = services;
  const streams = new EventStreams(options.streamLimits ?? defaultStreamLimits);
  const server = makeFastify(services);
  const host: RunnerHost = {
    services,
    policy: options.policy,
    streams,
    origins: { publicOrigin: config.publicUrl && new URL(config.publicUrl).origin, corsOrigins: new Set(config.corsOrigins) },
  };
  const headers = baseHeaders(config.publicUrl);
  server.addHook('onRequest', async (request, reply) => {
    logWhenDone(request, reply, log, () => undefined);
    for (const [name, value] of headers) reply.header(name, value);
    reply.header('x-request-id', stateOf(request).requestId);
    if (request.url.length > maxAddressLength) throw httpErrors.ADDRESS_TOO_LONG();
  });
  server.setErrorHandler((error, request, reply) => answerProblem(error, request, reply));
  server.setNotFoundHandler(async (request, reply) => {
    await countRefusal(host, request, reply);
    throw kernelErrors.NOT_FOUND();
  });
  await mountRoutes(server, host, routes);
  server.addHook('onClose', async () => streams.endAll());
  return { fastify: server, streams, routes };
}

function makeFastify({ config }: Services): FastifyInstance {
  const seconds = config.requestTimeoutSeconds;
  return fastify({
    logger: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    genReqId: () => '',
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // Uploads get ten times as long; other bodies are timed by the route.
    requestTimeout: seconds * 10_000,
    keepAliveTimeout: 65_000,
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 500 },
    http: { headersTimeout: seconds * 1000, connectionsCheckingInterval: Math.min(1_000, seconds * 250), maxHeaderSize: maxHeaderBytes },
    clientErrorHandler: refuseRaw,
    frameworkErrors: (error, request, reply) => answerProblem(error, request as FastifyRequest, reply as FastifyReply),
  }) as unknown as FastifyInstance;
}

/** answerProblem is where every failure of a request ends. */
function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const state = stateOf(request);
  const known = toAppError(error);
  state.failure = known;
  const { problem, headers } = renderProblem(known, state.requestId);
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  return reply
    .code(known.status)
    .header('cache-control', 'no-store')
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(problem));
}

export { apiPrefix };
