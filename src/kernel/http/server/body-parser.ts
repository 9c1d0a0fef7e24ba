/** A JSON body is bounded in bytes, encoding and depth before it is parsed (K5.1). */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { exceedsDepth } from './json-depth.ts';
import { invalidBody } from './validate.ts';

export const maxJsonDepth = 64;

/** acceptJsonOnly replaces Fastify's parsers by one for JSON; `__proto__` and `constructor.prototype` keys are refused. */
export function acceptJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parseText = server.getDefaultJsonParser('error', 'error');
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    if (bytes.length === 0) return done(null, undefined);
    if (!isUtf8(bytes)) return done(invalidBody('The body is not UTF-8.') as never);
    if (exceedsDepth(bytes, maxJsonDepth))
      return done(invalidBody(`The body nests deeper than ${maxJsonDepth} levels.`) as never);
    void parseText(request, bytes.toString('utf8'), (error, value) => {
      if (error) done(invalidBody('The body is not valid JSON.') as never);
      else done(null, value);
    });
  });
}
