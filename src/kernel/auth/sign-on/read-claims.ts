/** Reads a person out of claims: what is not a usable address or name is left out, never mended. */
import { z } from 'zod';
import { signOnErrors } from './errors.ts';
import type { ProviderProfile } from './types.ts';

const email = z.email().max(254).toLowerCase();
const maxSubjectLength = 500;
const maxNameLength = 200;

/** readEmail returns the address in lower case, or null for what is none. */
export function readEmail(value: unknown): string | null {
  const result = email.safeParse(value);
  return result.success ? result.data : null;
}

/** readName returns a printable name of at most 200 characters, or null. */
export function readName(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  const name = value
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, maxNameLength)
    .trim();
  return name === '' || !name.isWellFormed() ? null : name;
}

/** readSubject throws SIGN_ON_REFUSED for what cannot identify anybody. */
export function readSubject(value: unknown): string {
  const isUsable =
    typeof value === 'string' && value !== '' && value.length <= maxSubjectLength && !/\p{Cc}/u.test(value);
  if (!isUsable) throw signOnErrors.SIGN_ON_REFUSED({ internal: 'no usable subject' });
  return value;
}

/**
 * readClaims takes the claims of a verified id token. `isOrganisation`: the login name counts as address when it is one,
 * which is what some directories send; it is compared with the organisation's domains later.
 */
export function readClaims(claims: Readonly<Record<string, unknown>>, isOrganisation: boolean): ProviderProfile {
  const address = readEmail(claims['email']) ?? (isOrganisation ? readEmail(claims['preferred_username']) : null);
  const parts = [claims['given_name'], claims['family_name']].filter((part) => typeof part === 'string');
  return {
    subject: readSubject(claims['sub']),
    email: address,
    isEmailVerified: claims['email_verified'] === true || claims['email_verified'] === 'true', // Apple writes it as text
    name: readName(claims['name']) ?? readName(parts.join(' ')),
  };
}
