/** A POST with an Idempotency-Key takes effect once: its repetitions get the first answer, whoever answers them (K5.4). */
import type { FastifyReply } from 'fastify';
import type { Principal } from '#kernel/auth';
import {
  hashRequest,
  parseIdempotencyKey,
  type Idempotency,
  type StoredAnswer,
  type Ticket,
} from '#kernel/idempotency';
import { renderProblem, toAppError } from './problem-mapper.ts';
import type { RouteContext } from './route-context.ts';
import { sendJson } from './send-answer.ts';
import type { Route } from '../types.ts';

/** idempotencyKey returns the request's key where the route honours one and the caller is known, else null. */
export function idempotencyKey(route: Route, header: string | undefined, principal: Principal | null): string | null {
  return route.idempotent && principal ? parseIdempotencyKey(header) : null;
}

/**
 * runIdempotently runs `work` (which gives the answer as it is sent) unless the key has an answer already. Every
 * transaction that `ctx.tenant` or `ctx.auth` opens meanwhile confirms the key in itself, so that effect and claim cannot
 * part.
 */
export async function runIdempotently(
  idempotency: Idempotency,
  route: Route,
  key: string,
  ctx: RouteContext,
  reply: FastifyReply,
  work: () => Promise<StoredAnswer>,
): Promise<FastifyReply> {
  const { tenantId, userId } = ctx.principal;
  const requestHash = hashRequest({ params: ctx.params, query: ctx.query, body: ctx.body });
  const isRecognised = isRecognisedBy(route, ctx.body);
  const beginning = await idempotency.begin({ tenantId, userId, route: route.id }, key, requestHash, { isRecognised });
  if (beginning.kind === 'replay') return sendStored(reply.header('idempotency-replayed', 'true'), beginning);
  const { ticket } = beginning;
  let isConfirmed = false;
  ctx.confirmWith(async (tx) => {
    await idempotency.confirm(tx, ticket);
    isConfirmed = true;
  });
  let answer: StoredAnswer;
  try {
    answer = await work();
  } catch (error) {
    await settleFailure(idempotency, ticket, error, isConfirmed, ctx.requestId);
    throw error;
  }
  // Its effect came about in a transaction of its own: a crash there would let a repetition through after the lease.
  if (!isConfirmed) ctx.log.error({ route: route.id }, 'an idempotent route answered without confirming its key');
  await idempotency.complete(ticket, answer);
  return sendStored(reply, answer);
}

function isRecognisedBy({ recognisesBy }: Route, body: unknown): boolean {
  if (recognisesBy === undefined || typeof body !== 'object' || body === null) return false;
  return (body as Readonly<Record<string, unknown>>)[recognisesBy] !== undefined;
}

/** A refusal after something took effect is the answer to keep; without effect the key is free for the next try. */
async function settleFailure(
  idempotency: Idempotency,
  ticket: Ticket,
  error: unknown,
  isConfirmed: boolean,
  requestId: string,
): Promise<void> {
  const known = toAppError(error);
  if (!isConfirmed || known.status >= 500) return idempotency.abandon(ticket);
  const { problem, headers } = renderProblem(known, requestId);
  await idempotency.complete(ticket, {
    status: known.status,
    headers: { ...headers, 'content-type': 'application/problem+json; charset=utf-8' },
    body: JSON.stringify(problem),
  });
}

function sendStored(reply: FastifyReply, answer: StoredAnswer): FastifyReply {
  const { 'content-type': contentType, ...headers } = answer.headers;
  for (const [name, value] of Object.entries(headers)) reply.header(name, value);
  sendJson(reply, answer.status, answer.body, contentType);
  return reply;
}
