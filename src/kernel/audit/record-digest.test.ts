/** The formula of the chain is fixed: whoever holds an export can check it with nothing but this description. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { chainHash, digestAnonymised, digestFacts, digestUnder, zeroHash, type AuditFacts } from './record-digest.ts';

const facts: AuditFacts = {
  id: '01900000-0000-7000-8000-000000000001',
  tenantId: '01900000-0000-7000-8000-000000000002',
  occurredAt: '2026-01-02T03:04:05.678Z',
  action: 'agents.agent.create',
  resource: 'agent:1',
  details: { zebra: 'ä"', 10: 1, 9: true, alpha: null },
  actorKind: 'session',
  actorUserId: '01900000-0000-7000-8000-000000000003',
  actorVia: 's-1',
  address: null,
  requestId: 'r-1',
  device: null,
};

test('[K7.2] a record is hashed in the canonical form of RFC 8785', () => {
  const canonical =
    '{"action":"agents.agent.create","actorKind":"session","actorUserId":"01900000-0000-7000-8000-000000000003",' +
    '"actorVia":"s-1","address":null,"details":{"10":1,"9":true,"alpha":null,"zebra":"ä\\""},' +
    '"id":"01900000-0000-7000-8000-000000000001","occurredAt":"2026-01-02T03:04:05.678Z","requestId":"r-1",' +
    '"resource":"agent:1","tenantId":"01900000-0000-7000-8000-000000000002","v":1}';
  expect(digestFacts(facts)).toEqual(createHash('sha256').update(canonical).digest());
});

test('[K7.2] with a device the form is the second, in which it stands in its place', () => {
  const canonical =
    '{"action":"agents.agent.create","actorKind":"session","actorUserId":"01900000-0000-7000-8000-000000000003",' +
    '"actorVia":"s-1","address":null,"details":{"10":1,"9":true,"alpha":null,"zebra":"ä\\""},"device":"Firefox on Linux",' +
    '"id":"01900000-0000-7000-8000-000000000001","occurredAt":"2026-01-02T03:04:05.678Z","requestId":"r-1",' +
    '"resource":"agent:1","tenantId":"01900000-0000-7000-8000-000000000002","v":2}';
  expect(digestFacts({ ...facts, device: 'Firefox on Linux' })).toEqual(
    createHash('sha256').update(canonical).digest(),
  );
});

test('[K7.2] the order in which details were given does not count, their names and values do', () => {
  const digest = digestFacts(facts).toString('hex');
  expect(digestFacts({ ...facts, details: { alpha: null, zebra: 'ä"', 9: true, 10: 1 } }).toString('hex')).toBe(digest);
  expect(digestFacts({ ...facts, details: { ...facts.details, alpha: 0 } }).toString('hex')).not.toBe(digest);
  expect(digestFacts({ ...facts, details: { ...facts.details, beta: null } }).toString('hex')).not.toBe(digest);
});

test('[K7.2] a hash covers the one before, the place and the record', () => {
  const digest = digestFacts(facts);
  const first = chainHash(zeroHash, 1n, digest);
  const place = Buffer.from('0000000000000001', 'hex');
  expect(first).toEqual(
    createHash('sha256')
      .update(Buffer.concat([Buffer.alloc(32), place, digest]))
      .digest(),
  );
  expect(chainHash(first, 2n, digest)).not.toEqual(chainHash(first, 3n, digest));
  expect(chainHash(first, 2n, digest)).not.toEqual(chainHash(zeroHash, 2n, digest));
});

const sha256 = (...parts: readonly (string | Uint8Array)[]): Buffer =>
  createHash('sha256')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
    .digest();

const salt = Buffer.alloc(32, 7);
const saltOf = (name: string): Buffer => sha256(salt, name);
const commit = (name: string, text: string): string => sha256(saltOf(name), text).toString('hex');
const sealed =
  `{"actorUserId":"${commit('actorUserId', '01900000-0000-7000-8000-000000000003')}",` +
  `"actorVia":"${commit('actorVia', 's-1')}","details.zebra":"${commit('details.zebra', 'ä"')}",` +
  `"resource":"${commit('resource', 'agent:1')}"}`;
const canonicalSealed =
  `{"action":"agents.agent.create","actorKind":"session","details":{"10":1,"9":true,"alpha":null},` +
  `"id":"01900000-0000-7000-8000-000000000001","occurredAt":"2026-01-02T03:04:05.678Z","requestId":"r-1",` +
  `"resourceKind":"agent:","sealed":${sealed},"tenantId":"01900000-0000-7000-8000-000000000002","v":3}`;

test('[K7.2] [K16.2] in the third form texts are hashed through commitments under a salt, all else as it stands', () => {
  expect(digestUnder(salt, facts)).toEqual(sha256(canonicalSealed));
  expect(digestUnder(Buffer.alloc(32, 8), facts)).not.toEqual(sha256(canonicalSealed));
});

test('[K7.2] [K16.2] a record whose person was taken out has the digest it had, and no room for another person', () => {
  const seals = {
    erased: {
      actorUserId: commit('actorUserId', facts.actorUserId ?? ''),
      actorVia: commit('actorVia', facts.actorVia),
      'details.zebra': commit('details.zebra', 'ä"'),
    },
    salts: { resource: saltOf('resource').toString('hex') },
  };
  const blank = { ...facts, actorUserId: null, actorVia: '', details: { ...facts.details, zebra: null } };
  expect(digestAnonymised(seals, blank)).toEqual(sha256(canonicalSealed));
  expect(digestAnonymised(seals, { ...blank, actorVia: 's-2' })).toBeNull();
  expect(digestAnonymised(seals, { ...blank, details: { ...facts.details, zebra: 1 } })).toBeNull();
  expect(digestAnonymised(seals, { ...blank, resource: 'agent:2' })).not.toEqual(sha256(canonicalSealed));
  expect(digestAnonymised(seals, { ...blank, device: 'Lynx' })).toBeNull();
});
