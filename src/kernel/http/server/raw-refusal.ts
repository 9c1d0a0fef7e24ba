/** What is not even HTTP still gets a problem document, written by hand because no request exists. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { kernelErrors, toProblem, type AppError } from '#kernel/errors';
import { newId } from '#kernel/ids';
import { httpErrors } from './errors.ts';
import type { HeaderList } from './security-headers.ts';

const reasons: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

/** createRawRefusal answers what Node's parser gave up on (malformed, too slow, headers too large) and closes. */
export function createRawRefusal(headers: HeaderList) {
  const fields = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return (error: Error & { code?: string }, socket: Socket): void => refuseRaw(error, socket, fields);
}

/** createExpectationRefusal answers an Expect header other than 100-continue, which Node would answer without a word. */
export function createExpectationRefusal(headers: HeaderList) {
  return (_request: IncomingMessage, response: ServerResponse): void => {
    const refusal = httpErrors.EXPECTATION_FAILED();
    for (const [name, value] of headers) response.setHeader(name, value);
    response
      .writeHead(refusal.status, {
        'content-type': 'application/problem+json; charset=utf-8',
        'cache-control': 'no-store',
        connection: 'close',
      })
      .end(JSON.stringify(toProblem(refusal, newId())));
  };
}

function refuseRaw(error: Error & { code?: string }, socket: Socket, fields: string): void {
  // A reset connection has nobody left to read an answer; bytes already sent mean an answer is under way.
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy(error);
    return;
  }
  const refusal = refusalFor(error.code);
  const body = JSON.stringify(toProblem(refusal, newId()));
  socket.end(
    `HTTP/1.1 ${refusal.status} ${reasons[refusal.status] ?? 'Error'}\r\n` +
      'content-type: application/problem+json; charset=utf-8\r\nconnection: close\r\ncache-control: no-store\r\n' +
      `${fields}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    () => socket.destroy(),
  );
}

function refusalFor(code: string | undefined): AppError {
  if (code === 'HPE_HEADER_OVERFLOW') return httpErrors.HEADERS_TOO_LARGE();
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return kernelErrors.REQUEST_TIMEOUT();
  return httpErrors.MALFORMED_HTTP();
}
