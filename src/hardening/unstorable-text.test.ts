/** Every text field of every route is tried with what PostgreSQL cannot store; new routes are covered as they appear. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { z } from 'zod';
import type { Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { apps } from '../apps.ts';
import { kernelModules } from '../modules.ts';
import { sampleFromSchema } from '../testing/generated/sample-from-schema.ts';
import { fillPath, parametersOf } from '../testing/generated/sample-resources.ts';
import type { Answer } from '../testing/client.ts';
import { startTestServer, type Tenant, type TestServer } from '../testing/server.ts';

const routes: readonly Route[] = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];
const named = (list: readonly Route[]) => list.map((route) => [route.key, route] as const);
/** Each is sent as JSON writes it, so that the bytes themselves are plain ASCII. */
const unstorable = [
  ['U+0000', 'a\0b', 'NUL'],
  ['half a surrogate pair', 'a\ud83d b', 'surrogate'],
] as const;

let server: TestServer;
let owner: Tenant;
beforeAll(async () => {
  const roomy = [...new Set(routes.map((route) => route.limit.name))].map((name) => `${name}=100000/60`).join(',');
  server = await startTestServer({ environment: { LIMITS: roomy } });
  owner = await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const pathOf = (route: Route): string =>
  fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, newId()])));

/** placesOf lists where strings stand in a value, as paths of keys. */
function placesOf(value: unknown, path: readonly string[] = []): string[][] {
  if (typeof value === 'string') return [[...path]];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => placesOf(item, [...path, key]));
}

function withText(value: unknown, [key, ...rest]: readonly string[], text: string): unknown {
  if (key === undefined) return text;
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = withText(copy[key], rest, text);
  return copy;
}

const sampleBody = (schema: z.ZodType): unknown =>
  sampleFromSchema(schema, '', { text: () => 'some text', id: () => newId() });

/** ask sends a body as the route takes it: JSON, or the form that a page of another site posts. */
function ask(route: Route, body: unknown): Promise<Answer> {
  if (!route.operation.form) return owner.client.ask(pathOf(route), { body });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return owner.client.ask(pathOf(route), {
    body: new URLSearchParams(body as Record<string, string>).toString(),
    headers,
  });
}

/** refusalOf reads code and places of a refusal; a directory is told both in one sentence, which is all its form has room for. */
function refusalOf({ operation }: Route, { status, json, headers }: Answer) {
  if (!operation.protocol) {
    const places = (json?.errors ?? []).map(
      (one: { pointer: string; detail: string }) => `${one.pointer}: ${one.detail}`,
    );
    return { status, code: json?.code, places };
  }
  expect(headers.get('content-type')).toContain(operation.protocol.mediaType);
  const [, places, code] = /problem\. (.*)\((\w+), [\da-f-]{36}\)$/.exec(json?.detail ?? '') ?? [];
  return { status, code, places: [places?.trim()] };
}

describe.each(unstorable)('[K5.1] %s', (_what, text, word) => {
  // A form cannot carry half a character: its reader, as browsers do, puts U+FFFD in its place.
  const carries = (route: Route) => !route.operation.form || word === 'NUL';
  test.each(named(routes.filter((route) => route.operation.body && carries(route))))(
    'in any text field of %s is a 400 that points at it',
    async (_key, route) => {
      const body = sampleBody(route.operation.body as z.ZodType);
      const places = placesOf(body);
      for (const place of places) {
        const refusal = refusalOf(route, await ask(route, withText(body, place, text)));
        expect(refusal).toMatchObject({ status: 400, code: 'INVALID_REQUEST' });
        expect(refusal.places).toEqual([expect.stringMatching(new RegExp(`^/body/${place.join('/')}: .*${word}`))]);
      }
    },
  );

  test('in the name of a field is a 400', async () => {
    const { status, json } = await owner.client.ask('POST /agents', { body: { name: 'x', [text]: 1 } });
    expect({ status, errors: json.errors }).toMatchObject({ status: 400, errors: [{ pointer: '/body' }] });
  });
});

test.each(named(routes.filter((route) => route.key.startsWith('GET '))))(
  '[K5.1] U+0000 in the path or query of %s is refused, never a failure',
  async (_key, route) => {
    const path = fillPath(route, Object.fromEntries(parametersOf(route).map((name) => [name, 'a%00b'])));
    if (parametersOf(route).length > 0) expect((await owner.client.ask(path)).status).toBe(400);
    for (const name of ['cursor', 'search', 'after', 'x%00']) {
      const { status, code } = refusalOf(route, await owner.client.ask(`${pathOf(route)}?${name}=a%00b`));
      expect({ status, code }).toEqual({ status: 400, code: 'INVALID_REQUEST' });
    }
  },
);
