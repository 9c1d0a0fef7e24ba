/** createHttpServer puts the house together: bounds and headers on everything, the API, the pages, health and metrics. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Services } from '#kernel/app';
import { kernelErrors } from '#kernel/errors';
import { createIdempotency, type Idempotency } from '#kernel/idempotency';
import { httpErrors } from './errors.ts';
import { defaultStreamLimits, EventStreams, type StreamLimits } from './event-stream.ts';
import { answersHead, mountHealth } from './health.ts';
import { mountLoadShedding } from './load-shedding.ts';
import { createMetrics, mountMetrics } from './metrics.ts';
import { apiPrefix, countRefusal, mountRoutes } from './mount-routes.ts';
import { buildOpenApi } from './openapi.ts';
import { cutLateBody } from './negotiate.ts';
import type { Policy } from '../policy.ts';
import { renderProblem, toAppError } from './problem-mapper.ts';
import { createExpectationRefusal, createRawRefusal } from './raw-refusal.ts';
import { mountErrorPage, mountReference } from './reference-page.ts';
import { logWhenDone } from './request-log.ts';
import { stateOf } from './request-state.ts';
import type { RunnerHost } from './route-runner.ts';
import { baseHeaders } from './security-headers.ts';
import type { Route } from '../types.ts';
import { isPageRequest, makeAsset, mountWebApp, sendAsset, type Asset } from './web-app.ts';
import { mountWellKnown } from './well-known.ts';

export interface HttpServerOptions {
  readonly policy: Policy;
  /** Default: one on the services' database. */
  readonly idempotency?: Idempotency;
  /** Version of the program, for the OpenAPI document. */
  readonly version: string;
  /** Folder of the built web app. */
  readonly webFolder: string;
  readonly streamLimits?: StreamLimits;
}

/** HttpServer is a server that is ready to listen; `beginDrain` makes it turn new work away while what runs goes on. */
export interface HttpServer {
  readonly fastify: FastifyInstance;
  readonly streams: EventStreams;
  readonly routes: readonly Route[];
  beginDrain(): void;
}

const maxAddressLength = 8 * 1024;
const maxHeaderBytes = 16 * 1024;
const healthPaths = new Set(['/livez', '/readyz', '/metrics']);

/** createHttpServer mounts the routes and returns a server that does not listen yet. Throws when routes clash. */
export async function createHttpServer(
  services: Services,
  routes: readonly Route[],
  options: HttpServerOptions,
): Promise<HttpServer> {
  const { config, log } = services;
  const streams = new EventStreams(options.streamLimits ?? defaultStreamLimits);
  const metrics = createMetrics(services, streams);
  const headers = baseHeaders(config.publicUrl);
  const begin = (request: FastifyRequest, reply: FastifyReply): void => {
    logWhenDone(request, reply, log, metrics.observe);
    for (const [name, value] of headers) reply.header(name, value);
    reply.header('x-request-id', stateOf(request).requestId);
  };
  const server = makeFastify(services, begin);
  let isDraining = false;
  const host: RunnerHost = {
    services,
    policy: options.policy,
    idempotency: options.idempotency ?? createIdempotency({ db: services.db }),
    streams,
    origins: {
      publicOrigin: config.publicUrl && new URL(config.publicUrl).origin,
      corsOrigins: new Set(config.corsOrigins),
    },
  };
  server.addHook('onRequest', async (request, reply) => {
    begin(request, reply);
    // Node's own check answers without headers, so it is off.
    if (request.raw.headers.host === undefined && request.raw.httpVersion === '1.1') throw httpErrors.MALFORMED_HTTP();
    if (request.url.length > maxAddressLength) throw httpErrors.ADDRESS_TOO_LONG();
    if (isDraining && !isHealthRequest(request)) {
      reply.header('connection', 'close');
      throw kernelErrors.UNAVAILABLE({
        retryAfterSeconds: 2,
        detail: 'The server is restarting. Try again in a moment.',
      });
    }
  });
  server.addHook('onResponse', async (request) => cutLateBody(request.raw, config.requestTimeoutSeconds));
  mountLoadShedding(server, isHealthRequest);
  // Before Fastify reads the body: whatever is in it, what no route answers does not exist.
  server.addHook('onRequest', async (request, reply) => {
    if (!request.is404 || isPageRequest(request)) return;
    await countRefusal(host, request, reply);
    throw kernelErrors.NOT_FOUND();
  });
  server.setErrorHandler(answerProblem);
  mountHealth(server, services, () => isDraining);
  mountMetrics(server, metrics, config.metricsToken);
  await mountRoutes(server, host, routes);
  mountDocuments(server, routes, options);
  mountWellKnown(server, config);
  const sendPage = mountWebApp(server, options.webFolder);
  server.setNotFoundHandler(async (request, reply) => sendPage(request, reply));
  server.addHook('onClose', async () => streams.endAll());
  return {
    fastify: server,
    streams,
    routes,
    beginDrain() {
      isDraining = true;
    },
  };
}

function isHealthRequest(request: FastifyRequest): boolean {
  return healthPaths.has(request.url.split('?', 1)[0] ?? '');
}

/** mountDocuments adds the OpenAPI document, made once on first demand, and the page that shows it. */
function mountDocuments(server: FastifyInstance, routes: readonly Route[], options: HttpServerOptions): void {
  const documentPath = `${apiPrefix}/openapi.json`;
  let document: Asset | undefined;
  server.get(documentPath, answersHead, async (request, reply) => {
    const { policy, version } = options;
    document ??= makeAsset(Buffer.from(JSON.stringify(buildOpenApi(routes, policy, { version }))), '.json');
    return sendAsset(document, request, reply);
  });
  mountReference(server, documentPath);
  mountErrorPage(server);
}

/** makeFastify makes the server; `begin` is for requests that reach no hook because their address cannot be read. */
function makeFastify(
  { config }: Services,
  begin: (request: FastifyRequest, reply: FastifyReply) => void,
): FastifyInstance {
  const seconds = config.requestTimeoutSeconds;
  const server = fastify({
    logger: false,
    trustProxy: config.trustedProxies.length > 0 ? [...config.trustedProxies] : false,
    genReqId: () => '',
    exposeHeadRoutes: false,
    forceCloseConnections: true,
    // Uploads get ten times as long; other bodies are timed by their route.
    requestTimeout: seconds * 10_000,
    keepAliveTimeout: 65_000,
    bodyLimit: 1024 * 1024,
    routerOptions: { maxParamLength: 500 },
    http: {
      headersTimeout: seconds * 1000,
      connectionsCheckingInterval: Math.min(1_000, seconds * 250),
      maxHeaderSize: maxHeaderBytes,
      requireHostHeader: false,
    },
    clientErrorHandler: createRawRefusal(baseHeaders(config.publicUrl)),
    frameworkErrors(error, request, reply) {
      const [asked, answer] = [request as FastifyRequest, reply as FastifyReply];
      begin(asked, answer);
      void answerProblem(error, asked, answer);
    },
  });
  continueWhenAllowed(server as unknown as FastifyInstance);
  server.server.on('checkExpectation', createExpectationRefusal(baseHeaders(config.publicUrl)));
  return server as unknown as FastifyInstance;
}

/** continueWhenAllowed asks for the body of `Expect: 100-continue` once the request is allowed, so that what is refused is never sent. */
function continueWhenAllowed(server: FastifyInstance): void {
  const waiting = new WeakSet<IncomingMessage>();
  server.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    waiting.add(request);
    server.server.emit('request', request, response);
  });
  server.addHook('preParsing', async (request, reply, payload) => {
    if (waiting.delete(request.raw)) reply.raw.writeContinue();
    return payload;
  });
}

/** answerProblem is where every failure of a request ends. */
function answerProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const state = stateOf(request);
  const known = toAppError(error);
  state.failure = known;
  const { problem, headers } = renderProblem(known, state.requestId);
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  // Closing with bytes unread resets the connection, and the client may never read why. So the rest runs off for a while.
  if (known.status === 413 && !request.raw.complete && reply.hasHeader('connection'))
    reply.header('connection', 'keep-alive');
  return reply
    .code(known.status)
    .header('cache-control', 'no-store')
    .header('content-type', state.foreign?.mediaType ?? 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(state.foreign?.render(problem) ?? problem));
}
