/** What is said about a body, and what is asked for in return, is judged before the body is read. */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import { stateOf } from './request-state.ts';

/** acceptsAnswer tells whether the Accept field allows what the operation offers. Files are not negotiated. */
export function acceptsAnswer(operation: Operation, accept: string | undefined): boolean {
  if (accept === undefined || accept === '' || !operation.response) return true;
  if (/(?:^|[\s,])(?:\*\/\*|application\/(?:\*|json|problem\+json))/i.test(accept)) return true;
  if (operation.protocol && accept.toLowerCase().includes(operation.protocol.mediaType)) return true;
  return operation.stream === true && /(?:^|[\s,])text\/(?:\*|event-stream)/i.test(accept);
}

/** bodyTypeOf is the content type that an operation takes. */
export function bodyTypeOf(operation: Operation): string {
  if (operation.upload) return 'multipart/form-data';
  return operation.form ? 'application/x-www-form-urlencoded' : 'application/json';
}

/** checkBodyHeaders refuses compressed bodies (a small one may hide a huge one) and contents of the wrong kind. */
export function checkBodyHeaders(operation: Operation, headers: IncomingHttpHeaders): void {
  if (!announcesBody(headers)) return;
  const encoding = headers['content-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
    throw kernelErrors.UNSUPPORTED_MEDIA_TYPE({
      detail: 'Compressed requests are not accepted. Send the body as it is.',
    });
  }
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const expected = bodyTypeOf(operation);
  const isForeign = type !== undefined && type === operation.protocol?.mediaType;
  if (type !== expected && !isForeign) throw kernelErrors.UNSUPPORTED_MEDIA_TYPE({ detail: `Send ${expected}.` });
}

/** startBodyTimer answers 408 and closes when the body has not arrived in time; runRoute stops it. */
export function startBodyTimer(request: FastifyRequest, reply: FastifyReply, seconds: number): void {
  if (!announcesBody(request.headers)) return;
  const state = stateOf(request);
  state.bodyTimer = setTimeout(() => {
    if (reply.sent) return;
    reply.raw.once('finish', () => request.raw.destroy());
    reply.header('connection', 'close').send(kernelErrors.REQUEST_TIMEOUT());
  }, seconds * 1000);
  reply.raw.once('close', () => clearTimeout(state.bodyTimer));
}

/**
 * cutLateBody closes the connection unless the rest of the body arrives in time, once the request was answered without
 * waiting for it. Until then the client may read why; afterwards it would only hold the connection.
 */
export function cutLateBody(request: IncomingMessage, seconds: number): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), seconds * 1000);
  request.once('close', () => clearTimeout(timer));
}

function announcesBody(headers: IncomingHttpHeaders): boolean {
  return (
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  );
}
