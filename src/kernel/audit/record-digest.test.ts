/** The formula of the chain is fixed: whoever holds an export can check it with nothing but this description. */
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { chainHash, digestFacts, zeroHash, type AuditFacts } from './record-digest.ts';

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
};

test('[K7.2] a record is hashed in the canonical form of RFC 8785', () => {
  const canonical =
    '{"action":"agents.agent.create","actorKind":"session","actorUserId":"01900000-0000-7000-8000-000000000003",' +
    '"actorVia":"s-1","address":null,"details":{"10":1,"9":true,"alpha":null,"zebra":"ä\\""},' +
    '"id":"01900000-0000-7000-8000-000000000001","occurredAt":"2026-01-02T03:04:05.678Z","requestId":"r-1",' +
    '"resource":"agent:1","tenantId":"01900000-0000-7000-8000-000000000002","v":1}';
  expect(digestFacts(facts)).toEqual(createHash('sha256').update(canonical).digest());
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
