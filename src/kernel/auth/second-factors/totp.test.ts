/** Codes are those of RFC 6238, and each belongs to one step. */
import { expect, test } from 'vitest';
import { Secret } from 'otpauth';
import { appCode } from '../../../testing/second-factors.ts';
import { hashRecoveryCode, newRecoveryCode, normalizeRecoveryCode } from './recovery-codes.ts';
import { matchStep, newTotpSecret, totpUri } from './totp.ts';

test('[K2.4] the codes of RFC 6238 (appendix B, SHA-1, last six digits) are taken at their time', () => {
  const secret = Secret.fromLatin1('12345678901234567890').base32;
  const vectors = [
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ] as const;
  for (const [seconds, code] of vectors) {
    expect(matchStep(secret, code, seconds * 1000)).toBe(Math.floor(seconds / 30));
  }
});

test('[K2.4] a code counts one step early or late and no longer, and always belongs to its own step', () => {
  const secret = newTotpSecret();
  const now = 1_800_000_015_000;
  const code = appCode(secret, now);
  const step = Math.floor(now / 30_000);
  expect([-60_000, -30_000, 0, 30_000, 60_000].map((away) => matchStep(secret, code, now + away))).toEqual([
    null,
    step,
    step,
    step,
    null,
  ]);
  for (const other of ['', '12345', '1234567', 'abcdef', `${code} `, '١٢٣٤٥٦']) {
    expect(matchStep(secret, other, now)).toBeNull();
  }
});

test('[K2.4] secrets have 160 bits and the address for the app names server, account and nothing unusual', () => {
  const secret = newTotpSecret();
  expect(Secret.fromBase32(secret).bytes).toHaveLength(20);
  const uri = new URL(totpUri(secret, 'Bulkhead example.com', 'ada@example.com'));
  expect([uri.protocol, uri.host]).toEqual(['otpauth:', 'totp']);
  expect(decodeURIComponent(uri.pathname)).toBe('/Bulkhead example.com:ada@example.com');
  expect(Object.fromEntries(uri.searchParams)).toMatchObject({ secret, algorithm: 'SHA1', digits: '6', period: '30' });
});

test('[K2.4] recovery codes have 80 bits and are read however a person types them', () => {
  const codes = Array.from({ length: 200 }, newRecoveryCode);
  expect(new Set(codes).size).toBe(200);
  for (const code of codes) expect(code).toMatch(/^([0-9a-hjkmnp-tv-z]{4}-){3}[0-9a-hjkmnp-tv-z]{4}$/);
  expect(normalizeRecoveryCode('O1iL-abcd 2345.WXYZ')).toBe('0111abcd2345wxyz');
  expect(hashRecoveryCode(' 0111 ABCD 2345 wxyz ')).toBe(hashRecoveryCode('oiil-abcd-2345-wxyz'));
});
