/** A browser never carries out a write that another site wished for, whatever combination of fields it sends. */
import { expect, test } from 'vitest';
import { checkOrigin, type OriginRequest, type OriginRules } from './origin-check.ts';

const rules: OriginRules = {
  publicOrigin: 'https://bulkhead.example',
  corsOrigins: new Set(['https://friend.example']),
};
const own = 'https://bulkhead.example';
const friend = 'https://friend.example';
const evil = 'https://evil.example';

function isRefused(headers: Record<string, string>, more: Partial<OriginRequest> = {}): boolean {
  const request = { method: 'POST', host: 'bulkhead.example', allowsCors: false, takesForms: false, headers, ...more };
  try {
    checkOrigin(request, rules);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'CROSS_SITE_REFUSED', status: 403 });
    return true;
  }
}

const sites = ['same-origin', 'same-site', 'cross-site', 'none', '', 'nonsense', 'same-origin, cross-site'];
const origins = [own, friend, evil, 'null', '', `${own}.evil.example`, 'https://bulkhead.example:8443', undefined];

test('[K8.2] with Fetch Metadata a write passes only from the same origin or by the person themselves, whatever Origin says', () => {
  for (const site of sites) {
    for (const origin of origins) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND']) {
        const headers = { 'sec-fetch-site': site, cookie: 'a=b', ...(origin === undefined ? {} : { origin }) };
        const isExpected = site !== 'same-origin' && site !== 'none';
        expect([method, site, origin, isRefused(headers, { method })]).toEqual([method, site, origin, isExpected]);
      }
    }
  }
});

test('[K8.2] without Fetch Metadata a write passes only from our own origin, or without Origin and cookie', () => {
  const passing = origins.filter((origin) => origin !== undefined && !isRefused({ origin, cookie: 'a=b' }));
  expect(passing).toEqual([own]);
  expect(isRefused({ cookie: 'a=b' })).toBe(true);
  expect(isRefused({})).toBe(false);
  // The address people use need not be the one we are reached under.
  expect(isRefused({ origin: own }, { host: '127.0.0.1:3000' })).toBe(false);
  expect(isRefused({ origin: 'http://127.0.0.1:3000' }, { host: '127.0.0.1:3000' })).toBe(false);
});

test('[K8.2] a listed origin may write where the route says so, others may not, and nowhere else', () => {
  const site = { 'sec-fetch-site': 'cross-site' };
  expect(isRefused({ ...site, origin: friend }, { allowsCors: true })).toBe(false);
  expect(isRefused({ ...site, origin: friend })).toBe(true);
  for (const origin of [evil, 'null', '', `${friend}.evil.example`])
    expect([origin, isRefused({ ...site, origin }, { allowsCors: true })]).toEqual([origin, true]);
  expect(isRefused(site, { allowsCors: true })).toBe(true);
});

test('[K8.2] reading is left to SameSite cookies and CORP: links from other sites work', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS'])
    expect(isRefused({ 'sec-fetch-site': 'cross-site', origin: evil, cookie: 'a=b' }, { method })).toBe(false);
});
