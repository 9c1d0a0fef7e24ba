/**
 * The way of every API request, top to bottom: who are you → may you → how often → is it well-formed → handler → answer.
 * `guardRequest` runs before a byte of the body is read; `runRoute` afterwards.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Services } from '#kernel/app';
import type { Principal } from '#kernel/auth';
import { kernelErrors } from '#kernel/errors';
import type { Idempotency, StoredAnswer } from '#kernel/idempotency';
import { corsHeaders } from './cors.ts';
import type { EventStreams } from './event-stream.ts';
import { acceptsAnswer, checkBodyHeaders, startBodyTimer } from './negotiate.ts';
import { checkOrigin, type OriginRules } from './origin-check.ts';
import type { Policy } from '../policy.ts';
import { limitKey, refusedRule, takeOrRefuse } from './rate-limit.ts';
import { stateOf } from './request-state.ts';
import { RouteContext } from './route-context.ts';
import { idempotencyKey, runIdempotently } from './run-idempotently.ts';
import {
  isBinaryAnswer,
  isEventStream,
  renderJson,
  sendBinary,
  sendJson,
  sendStream,
  successStatus,
} from './send-answer.ts';
import type { Access, Limit, Route } from '../types.ts';
import { checkUploadSize, discardUpload, readUpload } from './upload.ts';
import { validateInput } from './validate.ts';

/** RunnerHost is what all routes of a server share. */
export interface RunnerHost {
  readonly services: Services;
  readonly policy: Policy;
  readonly origins: OriginRules;
  readonly streams: EventStreams;
  readonly idempotency: Idempotency;
}

export interface RouteRunner {
  readonly guardRequest: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly runRoute: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;
}

/** createRouteRunner prepares what can be known before the first request. Throws when the route names an unknown permission. */
export function createRouteRunner(host: RunnerHost, route: Route): RouteRunner {
  const { services } = host;
  if (typeof route.access === 'object' && !(route.access.permission in host.policy.permissions)) {
    throw new Error(`the route ${route.id} asks for the permission ${route.access.permission}, which nobody declares`);
  }
  const status = successStatus(route.operation);
  const maxUploadBytes = services.config.uploadMaxMb * 1024 * 1024;

  async function guardRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const state = stateOf(request);
    state.routeId = route.id;
    for (const [name, value] of corsHeaders(route, request.headers.origin, host.origins)) reply.header(name, value);
    checkOrigin(
      { method: request.method, headers: request.headers, host: request.host, allowsCors: route.cors === true },
      host.origins,
    );
    state.principal = await services.identity.resolve(request.headers.cookie);
    const refusal = findRefusal(route.access, state.principal, host.policy);
    await countCall(services, refusal ? refusedRule : route.limit, state.principal, request, reply);
    if (refusal) throw refusal;
    if (!acceptsAnswer(route.operation, request.headers.accept)) throw kernelErrors.NOT_ACCEPTABLE();
    checkBodyHeaders(route.operation, request.headers);
    if (route.operation.upload) checkUploadSize(request, maxUploadBytes);
    else startBodyTimer(request, reply, services.config.requestTimeoutSeconds);
  }

  async function runRoute(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    clearTimeout(stateOf(request).bodyTimer);
    const input = validateInput(route.operation, { params: request.params, query: request.query, body: request.body });
    if (!route.operation.upload) return answer(new RouteContext(services, request, reply, input, undefined), reply);
    try {
      const file = await readUpload(request, maxUploadBytes);
      return await answer(new RouteContext(services, request, reply, input, file), reply);
    } catch (error) {
      discardUpload(request);
      throw error;
    }
  }

  async function answer(ctx: RouteContext, reply: FastifyReply): Promise<FastifyReply> {
    const key = idempotencyKey(route, ctx.headers['idempotency-key'], ctx.principal);
    if (key !== null)
      return runIdempotently(host.idempotency, route, key, ctx, reply, async () => storable(await route.handler(ctx)));
    const result = await route.handler(ctx);
    if (isEventStream(result)) {
      await sendStream(reply, { ...result, mayListen: () => mayStillListen(ctx) }, host.streams);
      return reply;
    }
    if (isBinaryAnswer(result)) return sendBinary(reply, result);
    return sendJson(reply, status, render(result));
  }

  async function mayStillListen({ headers, principal }: RouteContext): Promise<boolean> {
    const now = await services.identity.resolve(headers['cookie']);
    return now?.userId === principal?.userId && findRefusal(route.access, now, host.policy) === null;
  }

  function render(result: unknown): string | null {
    return route.operation.response ? renderJson(route.operation, result) : null;
  }

  function storable(result: unknown): StoredAnswer {
    return { status, headers: {}, body: render(result) };
  }

  return { guardRequest, runRoute };
}

/** findRefusal says why this caller may not use the route, or null when it may. */
function findRefusal(access: Access, principal: Principal | null, policy: Policy): Error | null {
  if (access === 'public') return null;
  if (!principal) return kernelErrors.UNAUTHENTICATED();
  if (access === 'signed-in' || policy.allows(principal.role, access.permission)) return null;
  return kernelErrors.FORBIDDEN({ extensions: { permission: access.permission } });
}

/** countCall takes one from the limit; what was refused is counted by address, so that nobody can try for ever. */
async function countCall(
  services: Services,
  limit: Limit,
  principal: Principal | null,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const key = limitKey(limit.by, principal, request.ip);
  await takeOrRefuse(services.limits, limit, key, (name, value) => void reply.header(name, value));
}
