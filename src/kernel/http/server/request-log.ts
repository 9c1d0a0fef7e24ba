/** One line per request, however it ends: who, which route, what came of it, how long; never what was said (K7.1). */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { isAppError } from '#kernel/errors';
import type { Logger } from '#kernel/log';
import { describeError } from './describe-error.ts';
import { stateOf } from './request-state.ts';

export type ObserveRequest = (routeId: string, method: string, status: number, seconds: number) => void;

/** logWhenDone writes the line and feeds the metrics once the answer is out or the client is gone. */
export function logWhenDone(request: FastifyRequest, reply: FastifyReply, log: Logger, observe: ObserveRequest): void {
  const state = stateOf(request);
  reply.raw.once('close', () => {
    const milliseconds = performance.now() - state.startedAt;
    const status = reply.raw.statusCode;
    observe(state.routeId, request.method, status, milliseconds / 1000);
    const line = {
      requestId: state.requestId,
      route: state.routeId,
      method: request.method,
      status,
      durationMs: Math.round(milliseconds * 10) / 10,
      ...(state.principal ? { tenantId: state.principal.tenantId, userId: state.principal.userId } : {}),
      ...(reply.raw.writableFinished ? {} : { isAborted: true }),
      ...failureFields(state.failure),
    };
    if (status >= 500) log.error(line, 'request');
    else log.info(line, 'request');
  });
}

function failureFields(failure: unknown): Record<string, unknown> {
  if (failure === undefined) return {};
  if (!isAppError(failure)) return { err: describeError(failure) };
  const { cause, internal } = failure.options;
  const isWorthExplaining = failure.status >= 500;
  return {
    code: failure.code,
    ...(internal === undefined ? {} : { reason: internal }),
    ...(isWorthExplaining && cause !== undefined ? { err: describeError(cause) } : {}),
  };
}
