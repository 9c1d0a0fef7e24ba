/** RequestState is what the pipeline learns about a request on its way; one object per request, made first of all. */
import type { FastifyRequest } from 'fastify';
import type { Principal } from '#kernel/auth';
import type { Problem } from '#kernel/errors';
import { newId } from '#kernel/ids';

export class RequestState {
  readonly requestId = newId();
  readonly startedAt = performance.now();
  /** Id of the route, `agents.agent.create`; `kernel.unknown` until one is found. */
  routeId = 'kernel.unknown';
  principal: Principal | null = null;
  /** How the route's standard wants problems, when it has its own form. */
  foreign: { readonly mediaType: string; readonly render: (problem: Problem) => object } | undefined = undefined;
  /** What went wrong, for the log line. */
  failure: unknown = undefined;
  /** Refuses a body that does not arrive in time. */
  bodyTimer: NodeJS.Timeout | undefined = undefined;
}

const states = new WeakMap<FastifyRequest, RequestState>();

/** stateOf returns the request's state, making it at the first call. */
export function stateOf(request: FastifyRequest): RequestState {
  let state = states.get(request);
  if (!state) {
    state = new RequestState();
    states.set(request, state);
  }
  return state;
}
