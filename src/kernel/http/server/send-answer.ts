/** An answer leaves only in the shape its contract promises: an unknown or missing field is our fault, and never sent. */
import type { FastifyReply } from 'fastify';
import type { Operation } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import type { EventStreams } from './event-stream.ts';
import type { BinaryAnswer, EventStream, NotModified, RedirectAnswer } from '../types.ts';
import { toPointer } from './json-pointer.ts';

const jsonType = 'application/json; charset=utf-8';

/** successStatus is the status of an operation's answer when it is not a stream. */
export function successStatus(operation: Operation): number {
  if (operation.redirects) return 303;
  return operation.status ?? (operation.response || operation.binary ? 200 : 204);
}

/** renderJson validates a handler's answer and writes it as JSON text. Throws INTERNAL naming only the places that do not fit. */
export function renderJson(operation: Operation, answer: unknown): string {
  const result = operation.response?.safeParse(answer);
  if (!result?.success) {
    const places = (result?.error.issues ?? []).map((issue) => `${toPointer(issue.path) || '/'} (${issue.code})`);
    throw kernelErrors.INTERNAL({
      internal: `the answer does not fit its contract at ${places.slice(0, 10).join(', ')}`,
    });
  }
  return JSON.stringify(result.data);
}

/** sendJson sends JSON text that is already in its final form. */
export function sendJson(
  reply: FastifyReply,
  status: number,
  json: string | null,
  contentType = jsonType,
): FastifyReply {
  reply.code(status);
  if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store');
  if (json === null) return reply.send();
  return reply.header('content-type', contentType).send(json);
}

/** sendBinary sends a file; its headers may say that it can be cached. */
export function sendBinary(reply: FastifyReply, answer: BinaryAnswer): FastifyReply {
  reply.header('cache-control', 'private, no-cache');
  for (const [name, value] of Object.entries(answer.headers ?? {})) reply.header(name, value);
  return reply.header('content-type', answer.contentType).send(answer.body);
}

/** sendStream takes the connection over and returns when the stream is over. */
export async function sendStream(reply: FastifyReply, answer: EventStream, streams: EventStreams): Promise<void> {
  const headers = reply.getHeaders() as Record<string, string | number | string[]>;
  reply.hijack();
  await streams.serve(answer, reply.raw, headers);
}

/** sendRedirect throws when the path could lead to another site: a redirect is never given an address from outside. */
export function sendRedirect(reply: FastifyReply, { path }: RedirectAnswer): FastifyReply {
  const isHere = /^\/(?![/\\])[\x21-\x7e]*$/.test(path) && !path.includes('\\');
  if (!isHere) throw kernelErrors.INTERNAL({ internal: 'a redirect to what is not a path of this server' });
  return reply.code(303).header('cache-control', 'no-store').header('location', path).send();
}

export function isNotModified(answer: unknown): answer is NotModified {
  return typeof answer === 'object' && answer !== null && (answer as NotModified).kind === 'not-modified';
}

export function isRedirect(answer: unknown): answer is RedirectAnswer {
  return typeof answer === 'object' && answer !== null && (answer as RedirectAnswer).kind === 'redirect';
}

export function isEventStream(answer: unknown): answer is EventStream {
  return typeof answer === 'object' && answer !== null && (answer as EventStream).kind === 'event-stream';
}

export function isBinaryAnswer(answer: unknown): answer is BinaryAnswer {
  return typeof answer === 'object' && answer !== null && (answer as BinaryAnswer).kind === 'binary';
}
