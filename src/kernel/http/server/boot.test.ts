/** What cannot work is refused before the server starts. */
import { expect, test } from 'vitest';
import { createLogger } from '#kernel/log';
import { createPolicy } from '../policy.ts';
import type { Route } from '../types.ts';
import { describeError } from './describe-error.ts';
import { checkRoutes, splitKey } from './mount-routes.ts';
import { limitKey } from './rate-limit.ts';

const nobody = { owner: [], admin: [], member: [], viewer: [] };
const route = (id: string, key: Route['key']): Route => ({
  id,
  key,
  access: 'public',
  limit: { name: 'a', max: 1, windowSeconds: 1, by: 'address' },
  operation: { summary: '' },
  handler: async () => undefined,
});

test('a duplicate route id or address stops the start, also when only the parameter is named otherwise', () => {
  expect(() => checkRoutes([route('a', 'GET /x'), route('a', 'GET /y')])).toThrow('two routes have the id a');
  expect(() => checkRoutes([route('a', 'GET /x/{one}'), route('b', 'GET /x/{two}')])).toThrow(
    'two routes answer GET /x/{two}',
  );
  expect(() => checkRoutes([route('a', 'GET /x'), route('b', 'POST /x')])).not.toThrow();
  expect(splitKey('GET /x/{one}/y/{two}')).toEqual({ method: 'GET', path: '/api/v1/x/:one/y/:two' });
});

test('[K3.5] a permission declared twice, or given without being declared, stops the start', () => {
  const set = { permissions: { 'a.read': 'Read' }, policy: nobody };
  expect(() => createPolicy([set, set])).toThrow('a.read is declared twice');
  expect(() => createPolicy([{ ...set, policy: { ...nobody, admin: ['a.write'] } }])).toThrow(
    'gives admin the permission a.write',
  );
  const policy = createPolicy([{ ...set, policy: { ...nobody, member: ['a.read'] } }]);
  expect([
    policy.allows('member', 'a.read'),
    policy.allows('owner', 'a.read'),
    policy.allows('member', 'toString'),
  ]).toEqual([true, false, false]);
});

test('[K4.1] limits count users, organisations or addresses; without a principal always the address', () => {
  const principal = {
    userId: 'u',
    tenantId: 't',
    role: 'owner',
    via: { kind: 'session', sessionId: 's', provedAt: 0 },
  } as const;
  expect((['user', 'tenant', 'address'] as const).map((by) => limitKey(by, principal, '192.0.2.1'))).toEqual([
    'user:u',
    'tenant:t',
    'address:192.0.2.1',
  ]);
  expect(limitKey('user', null, '2001:db8:1:2:3::4')).toBe(limitKey('tenant', null, '2001:db8:1:2:ffff::1'));
});

test('[K7.1] an error in the log has its kind and place; what libraries quote from the input is left out', () => {
  const cause = Object.assign(new Error('invalid input syntax: "canary"'), {
    code: '22P02',
    severity: 'ERROR',
    constraint: 'agents_key',
  });
  const described = describeError(new Error('Failed query: select $1 params: canary', { cause }));
  expect(JSON.stringify(described)).not.toContain('canary');
  expect(described).toMatchObject({
    type: 'Error',
    frames: expect.stringContaining('boot.test.ts'),
    cause: { code: '22P02', constraint: 'agents_key' },
  });
  expect(describeError(new TypeError('x is not a function'))).toMatchObject({ message: 'x is not a function' });
  let line = '';
  createLogger({ level: 'info', destination: { write: (text) => void (line = text) } }).error(
    { err: new Error('Failed query: $1 params: canary', { cause }) },
    'x',
  );
  expect(line).toContain('22P02');
  expect(line).not.toContain('canary');
  expect(describeError('text thrown')).toEqual({ type: 'string' });
});
