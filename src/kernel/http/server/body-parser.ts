/** A JSON body is bounded in bytes, encoding and depth before it is parsed (K5.1). */
import { isUtf8 } from 'node:buffer';
import type { FastifyInstance } from 'fastify';
import { findExcess } from './json-depth.ts';
import { invalidBody } from './validate.ts';

export const maxJsonDepth = 64;
/** A schema looks at each value and writes an issue for each wrong one: a million of them would hold everybody up for seconds. */
export const maxJsonValues = 50_000;
/** Forms of other standards have a handful of fields; the time to take one apart grows with the square of their number. */
const maxFormFields = 100;

/** acceptForms reads form-encoded bodies, for the routes whose contract says `form`; others refuse the type before. */
export function acceptForms(server: FastifyInstance): void {
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
    const text = body as string;
    if (holdsMore(text, '&', maxFormFields - 1))
      return done(invalidBody(`The form has more than ${maxFormFields} fields.`) as never);
    const fields = [...new URLSearchParams(text)];
    const isRepeating = new Set(fields.map(([name]) => name)).size < fields.length;
    if (isRepeating) done(invalidBody('A field stands twice in the form.') as never);
    else done(null, Object.fromEntries(fields));
  });
}

function holdsMore(text: string, character: string, most: number): boolean {
  let found = 0;
  for (let at = text.indexOf(character); at !== -1; at = text.indexOf(character, at + 1)) {
    found += 1;
    if (found > most) return true;
  }
  return false;
}

/** acceptJsonOnly replaces Fastify's parsers by one for JSON; `__proto__` and `constructor.prototype` keys are refused. */
export function acceptJsonOnly(server: FastifyInstance): void {
  server.removeAllContentTypeParsers();
  const parseText = server.getDefaultJsonParser('error', 'error');
  // Beside JSON itself, the JSON of other standards; `checkBodyHeaders` has judged by then whether the route takes it.
  server.addContentTypeParser(
    /^application\/(?:json|[\w.-]+\+json)(?:\s*;|$)/i,
    { parseAs: 'buffer' },
    (request, body, done) => {
      const bytes = body as Buffer;
      if (bytes.length === 0) return done(null, undefined);
      if (!isUtf8(bytes)) return done(invalidBody('The body is not UTF-8.') as never);
      const excess = findExcess(bytes, { maxDepth: maxJsonDepth, maxValues: maxJsonValues });
      if (excess === 'depth') return done(invalidBody(`The body nests deeper than ${maxJsonDepth} levels.`) as never);
      if (excess === 'values') return done(invalidBody(`The body holds more than ${maxJsonValues} values.`) as never);
      void parseText(request, bytes.toString('utf8'), (error, value) => {
        if (error) done(invalidBody('The body is not valid JSON.') as never);
        else done(null, value);
      });
    },
  );
}
