/** SIGN_ON_OIDC is right as a whole, or the start names what is wrong without repeating a secret. */
import { expect, test } from 'vitest';
import { loadConfig } from './load-config.ts';
import { isSafeIssuer, parseOidcProviders } from './parse-oidc-providers.ts';

const good = { id: 'corp', title: 'Corp', issuer: 'https://id.example.com', clientId: 'c', clientSecret: 'hush-hush' };

test('[K2.5] [K1.2] a list of providers is read, and the missing setting is an empty list', () => {
  expect(loadConfig({ SIGN_ON_OIDC: JSON.stringify([good]) }).config.signOnOidc).toEqual([good]);
  expect(loadConfig({}).config.signOnOidc).toEqual([]);
});

test.each([
  ['no JSON', '{hush-hush'],
  ['no list', '{"id":"hush-hush"}'],
  ['an unusable id', JSON.stringify([{ ...good, id: 'No Id' }])],
  ['a taken id', JSON.stringify([{ ...good, id: 'google' }])],
  ['no title', JSON.stringify([{ ...good, title: '' }])],
  ['an issuer anybody can listen to', JSON.stringify([{ ...good, issuer: 'http://id.example.com' }])],
  ['an issuer with a password', JSON.stringify([{ ...good, issuer: 'https://a:b@id.example.com' }])],
  ['no client id', JSON.stringify([{ ...good, clientId: 5 }])],
  ['a secret that is no text', JSON.stringify([{ ...good, clientSecret: 5 }])],
  ['two of one id', JSON.stringify([good, good])],
  ['too many', JSON.stringify(Array.from({ length: 21 }, (_, index) => ({ ...good, id: `p${index}` })))],
])('[K2.5] [K1.2] %s ends the start with a reason and without the secret', (_what, text) => {
  expect(parseOidcProviders(text)).toBeTypeOf('string');
  expect(() => loadConfig({ SIGN_ON_OIDC: text })).toThrow(/SIGN_ON_OIDC: (?!.*hush)/);
});

test('[K2.5] plain http is for this machine alone', () => {
  expect(
    ['http://localhost:8080', 'http://127.0.0.1:1', 'http://[::1]:1', 'https://id.example.com/x'].map(isSafeIssuer),
  ).toEqual([true, true, true, true]);
  expect(
    ['http://10.0.0.1', 'http://localhost.evil.example', 'ftp://localhost', 'id.example.com'].map(isSafeIssuer),
  ).toEqual([false, false, false, false]);
});
