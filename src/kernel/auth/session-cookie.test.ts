/** Only a cookie that we signed opens. */
import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { findSessionCookie, openSessionCookie, sessionCookieName } from './session-cookie.ts';

const secret = 'the secret of this test';
const sign = (token: string, key = secret): string =>
  encodeURIComponent(`${token}.${createHmac('sha256', key).update(token).digest('base64')}`);

test('[K2.8] a signed cookie opens; forged, foreign, cut and odd ones do not', () => {
  const good = sign('abc123');
  expect(openSessionCookie(good, secret)).toBe('abc123');
  const bad = [
    sign('abc123', 'another secret'),
    good.slice(0, -8),
    `x${good}`,
    'abc123',
    'abc123.',
    '.',
    '',
    '%',
    '%zz',
    sign('').slice(0),
    'a'.repeat(400),
  ];
  for (const value of bad) expect(openSessionCookie(value, secret)).toBeNull();
});

test('[K2.8] the cookie is found among others, only by its whole name, and the first one counts', () => {
  expect(findSessionCookie(`a=1; ${sessionCookieName}=one; ${sessionCookieName}=two`)).toBe('one');
  expect(findSessionCookie(`x${sessionCookieName}=one; bulkhead_session=two`)).toBeNull();
  expect(findSessionCookie(`${sessionCookieName}=`)).toBeNull();
  expect(findSessionCookie(`${sessionCookieName}=${'a'.repeat(301)}`)).toBeNull();
  expect(findSessionCookie(undefined)).toBeNull();
});
