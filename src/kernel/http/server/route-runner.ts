/**
 * The way of every API request, top to bottom: who are you → may you → how often → is it well-formed → handler → answer.
 * `guardRequest` runs before a byte of the body is read; `runRoute` afterwards.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Services } from '#kernel/app';
import type { Credentials, Principal } from '#kernel/auth';
import { isAppError, kernelErrors } from '#kernel/errors';
import type { Idempotency, StoredAnswer } from '#kernel/idempotency';
import { clientAddressOf } from './client-address.ts';
import { corsHeaders } from './cors.ts';
import { httpErrors } from './errors.ts';
import type { EventStreams } from './event-stream.ts';
import { acceptsAnswer, checkBodyHeaders, startBodyTimer } from './negotiate.ts';
import { checkOrigin, type OriginRules } from './origin-check.ts';
import type { Policy } from '../policy.ts';
import { keyAllowance, limitKey, planAllowance, refusedRule, takeOrRefuse } from './rate-limit.ts';
import { findStalePage } from './stale-page.ts';
import { isWriteOfVisit, recordVisit } from './support-visit.ts';
import { stateOf, type RequestState } from './request-state.ts';
import { RouteContext } from './route-context.ts';
import { idempotencyKey, runIdempotently } from './run-idempotently.ts';
import {
  isBinaryAnswer,
  isEventStream,
  isNotModified,
  isRedirect,
  renderJson,
  sendBinary,
  sendJson,
  sendRedirect,
  sendStream,
  successStatus,
} from './send-answer.ts';
import type { Route, UploadedFile } from '../types.ts';
import { checkUploadSize, discardUpload, explainUploadFailure, readUpload, uploadLimitOf } from './upload.ts';
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
  const foreign = foreignFormOf(route);
  const maxUploadBytes = uploadLimitOf(route, services.config);

  async function guardRequest(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const state = stateOf(request);
    state.routeId = route.id;
    state.foreign = foreign;
    for (const [name, value] of corsHeaders(route, request.headers.origin, host.origins)) reply.header(name, value);
    checkOrigin(
      {
        method: request.method,
        headers: request.headers,
        host: request.host,
        allowsCors: route.cors === true,
        takesForms: route.operation.form === true,
      },
      host.origins,
    );
    // A form of another site acts for nobody: whatever cookie came along is not looked at.
    const { principal, reason } = await identify(services, route.operation.form ? {} : credentialsOf(request));
    state.principal = principal;
    const refusal =
      findStalePage(request.headers, principal, route) ??
      findRefusal(route, principal, host.policy, reason) ??
      findSwitchedOff(route, principal, services) ??
      findStaleProof(route, principal, services);
    await countCall(services, refusal ? { limit: refusedRule } : route, principal, request, reply);
    if (refusal) {
      if (!principal && request.headers.authorization !== undefined) reply.header('www-authenticate', invalidToken);
      throw refusal;
    }
    await recordVisit(services, route, principal, request);
    if (!acceptsAnswer(route.operation, request.headers.accept)) throw kernelErrors.NOT_ACCEPTABLE();
    checkBodyHeaders(route.operation, request.headers);
    if (route.operation.upload) checkUploadSize(request, maxUploadBytes);
    else startBodyTimer(request, reply, services.config.requestTimeoutSeconds);
  }

  async function runRoute(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    clearTimeout(stateOf(request).bodyTimer);
    const input = validateInput(route.operation, { params: request.params, query: request.query, body: request.body });
    if (!route.operation.upload) return answer(new RouteContext(services, request, reply, input, undefined), reply);
    let file: UploadedFile | undefined;
    try {
      file = await readUpload(request, maxUploadBytes);
      return await answer(new RouteContext(services, request, reply, input, file), reply);
    } catch (error) {
      discardUpload(request);
      throw explainUploadFailure(file, error);
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
    if (isRedirect(result)) return sendRedirect(reply, result);
    if (isNotModified(result)) return reply.code(304).send();
    return sendJson(reply, status, render(result), foreign?.mediaType);
  }

  async function mayStillListen({ headers, address, principal }: RouteContext): Promise<boolean> {
    const { cookie, authorization } = headers;
    const { principal: now } = await identify(services, { cookie, authorization, address });
    const isSame = now?.userId === principal?.userId && now?.tenantId === principal?.tenantId;
    return isSame && findRefusal(route, now, host.policy) === null;
  }

  function render(result: unknown): string | null {
    return route.operation.response ? renderJson(route.operation, result) : null;
  }

  function storable(result: unknown): StoredAnswer {
    return { status, headers: {}, body: render(result) };
  }

  return { guardRequest, runRoute };
}

function credentialsOf(request: FastifyRequest): Credentials {
  const { cookie, authorization } = request.headers;
  return { cookie, authorization, address: clientAddressOf(request) };
}

/** foreignFormOf is how a route of another standard answers. Throws when the route does not say how that renders problems. */
function foreignFormOf({ id, operation: { protocol }, renderProblem }: Route): RequestState['foreign'] {
  if (!protocol) return undefined;
  if (!renderProblem) throw new Error(`${id} follows ${protocol.standard} and does not say how it renders problems`);
  return { mediaType: `${protocol.mediaType}; charset=utf-8`, render: renderProblem };
}

/** RFC 6750: what a bearer token that does not count is answered with. */
const invalidToken = 'Bearer realm="bulkhead", error="invalid_token"';

/** identify finds the caller; a key or token that was right and no longer counts gives the reason instead of throwing it. */
async function identify(
  { identity }: Services,
  credentials: Credentials,
): Promise<{ readonly principal: Principal | null; readonly reason?: Error }> {
  try {
    return { principal: await identity.resolve(credentials) };
  } catch (error) {
    if (isAppError(error) && error.status === 401) return { principal: null, reason: error };
    throw error;
  }
}

/** findRefusal says why this caller may not use the route, or null when it may. */
function findRefusal(route: Route, principal: Principal | null, policy: Policy, reason?: Error): Error | null {
  const { access } = route;
  if (isWriteOfVisit(route, principal)) return httpErrors.SUPPORT_READ_ONLY();
  if (access === 'public') return null;
  if (!principal) return reason ?? kernelErrors.UNAUTHENTICATED();
  if (access === 'operator') {
    // A key or a support visit never runs the server, whoever stands behind it.
    const isAllowed = principal.isOperator === true && principal.via.kind === 'session';
    return isAllowed ? null : kernelErrors.FORBIDDEN({ detail: 'Only who runs this server may do this.' });
  }
  if (access === 'signed-in') {
    if (!principal.scopes || route.openToKeys) return null;
    return kernelErrors.FORBIDDEN({ detail: 'This is for people. An API key cannot do it.' });
  }
  const isInScope = principal.scopes?.includes(access.permission) ?? true;
  if (isInScope && policy.allows(principal.role, access.permission)) return null;
  return kernelErrors.FORBIDDEN({
    extensions: { permission: access.permission },
    ...(isInScope ? {} : { detail: `This key was not given the permission ${access.permission}.` }),
  });
}

/** findSwitchedOff refuses what is switched off for the caller's organisation (K15.4). */
function findSwitchedOff({ flag }: Route, principal: Principal | null, { flags }: Services): Error | null {
  if (flag === undefined || !principal || flags.isOn(flag, principal.tenantId)) return null;
  return kernelErrors.FEATURE_OFF();
}

/** findStaleProof refuses a sensitive change in a session whose person gave no proof lately (K2.4). */
function findStaleProof({ stepUp }: Route, principal: Principal | null, { config, identity }: Services): Error | null {
  if (!stepUp || !principal) return null;
  if (principal.via.kind !== 'session') {
    return kernelErrors.FORBIDDEN({ detail: 'Sensitive changes are made by a person in a browser.' });
  }
  const isRecent = identity.now() - principal.via.provedAt <= config.stepUpMinutes * 60_000;
  return isRecent ? null : kernelErrors.STEP_UP_REQUIRED();
}

/** countCall takes one from the limit; what was refused is counted by address, so that nobody can try for ever. */
async function countCall(
  services: Services,
  { limit, planLimit }: Pick<Route, 'limit' | 'planLimit'>,
  principal: Principal | null,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const own = [[limit, limitKey(limit.by, principal, clientAddressOf(request))] as const, ...keyAllowance(principal)];
  const shared = await planAllowance(services, planLimit, principal);
  await takeOrRefuse(services.limits, { own, shared }, (name, value) => void reply.header(name, value));
}
