/** The text of a setting becomes a value of its type, or a sentence that says what was expected and never repeats the text. */
import { createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { resolve } from 'node:path';
import type { LimitOverrides } from './load-config.ts';
import { parseOidcProviders } from './parse-oidc-providers.ts';
import { secretWeakness } from './secret-strength.ts';
import type { Setting, SettingType } from './settings.ts';

type Parsed = { readonly value: unknown } | { readonly expected: string };

function isCidr(text: string, shortest: number): boolean {
  const [address = '', prefix, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined) return false;
  if (prefix === undefined) return true;
  return /^\d{1,3}$/.test(prefix) && Number(prefix) >= shortest && Number(prefix) <= (version === 4 ? 32 : 128);
}

/** isNameServer takes an address, alone or with a port: `192.0.2.1`, `192.0.2.1:53`, `[2001:db8::1]:53`. */
function isNameServer(text: string): boolean {
  if (isIP(text) !== 0) return true;
  const [, v6 = '', v4 = '', port = '53'] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  return (isIP(v4) === 4 || isIP(v6) === 6) && Number(port) <= 65_535;
}

/** splitList takes a comma-separated list apart. */
export function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseLimits(text: string): Parsed {
  const overrides: Record<string, { max: number; windowSeconds: number }> = {};
  for (const part of splitList(text)) {
    const match = /^([a-z][a-z0-9.-]*)=(\d{1,9})\/(\d{1,7})$/.exec(part);
    const [, name = '', max, windowSeconds] = match ?? [];
    if (!match || Number(max) < 1 || Number(windowSeconds) < 1)
      return { expected: 'expected name=count/seconds, comma-separated, such as agents.chat=60/60' };
    overrides[name] = Object.freeze({ max: Number(max), windowSeconds: Number(windowSeconds) });
  }
  return { value: Object.freeze(overrides) satisfies LimitOverrides };
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const { hostname, pathname, protocol } = new URL(text);
  if (!schemes.includes(protocol.slice(0, -1))) return false;
  if (protocol === 'mailto:') return mailAddress.test(pathname);
  // A database may be reached by a socket, which has no host.
  return hostname !== '' || !protocol.startsWith('smtp');
}

/** isDecodable is false where a sign that has a meaning in addresses stands in user name or password as it is. */
function isDecodable(text: string): boolean {
  const { password, username } = new URL(text);
  try {
    return decodeURIComponent(username + password) !== null;
  } catch {
    return false; // a lone %
  }
}

function parseUrl(text: string, { schemes = ['https', 'http'] }: Setting): Parsed {
  if (!isUrl(text, schemes))
    return { expected: `expected a URL that starts with ${schemes.map(startOf).join(' or ')}` };
  return check(isDecodable(text), text, 'a user name and password in which % is written %25, @ %40 and / %2F');
}

/** originOf is what an address of a whole site comes to; null when it has more, such as a path or a password. */
function originOf(text: string): string | null {
  if (!isUrl(text, ['https', 'http'])) return null;
  const { href, origin } = new URL(text);
  return href === `${origin}/` ? origin : null;
}

function parseOrigins(text: string): Parsed {
  const origins = splitList(text).map(originOf);
  return check(
    !origins.includes(null),
    Object.freeze(origins),
    'origins, comma-separated, such as https://app.example.com: a scheme, a name and perhaps a port, nothing else',
  );
}

const mailAddress = /^[^\s@<>",;:]+@[^\s@<>",;:]+$/;
/** `address@domain`, or the same in angle brackets after a name without special characters. */
const mailbox = /^(?:[^\s@<>",;:]+@[^\s@<>",;:]+|[^<>",;:@\r\n]{1,100} <[^\s@<>",;:]+@[^\s@<>",;:]+>)$/;

function startOf(scheme: string): string {
  return scheme === 'mailto' ? 'mailto:' : `${scheme}://`;
}

/** check gives the value when it will do. */
function check(isGood: boolean, value: unknown, expected: string): Parsed {
  return isGood ? { value } : { expected: `expected ${expected}` };
}

/** parseSigningKey gives the PEM text with its line breaks, which a line of settings cannot hold as they are. */
function parseSigningKey(text: string): Parsed {
  const pem = text.replaceAll('\\n', '\n');
  const expected = 'a private key for ES256 (P-256) in PEM form, from its BEGIN line to its END line';
  try {
    const { asymmetricKeyDetails } = createPrivateKey(pem);
    return check(asymmetricKeyDetails?.namedCurve === 'prime256v1', pem, expected);
  } catch {
    return check(false, pem, expected);
  }
}

function parseSecretKeys(keys: readonly string[], value: unknown, which = ''): Parsed {
  const weakness = keys.map(secretWeakness).find((found) => found !== null);
  return weakness
    ? { expected: `${which}${weakness}; expected 32 random bytes in base64 (openssl rand -base64 32)` }
    : { value };
}

const parsers: Readonly<Record<Extract<SettingType, string>, (text: string, setting: Setting) => Parsed>> = {
  string: (text) => check(text !== '', text, 'some text'),
  directory: (text) => check(text !== '', resolve(text), 'a folder'),
  integer: (text, { min = 0, max = Number.MAX_SAFE_INTEGER }) =>
    check(
      /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max,
      Number(text),
      `a whole number from ${min} to ${max}`,
    ),
  port: (text) =>
    check(/^\d{1,5}$/.test(text) && Number(text) <= 65_535, Number(text), 'a port, a whole number from 0 to 65535'),
  boolean: (text) => check(text === 'true' || text === 'false', text === 'true', 'true or false'),
  url: parseUrl,
  origin: (text) =>
    check(
      originOf(text) !== null,
      originOf(text),
      'an address that starts with https:// or http:// and ends after the name, or the port: no path, no password',
    ),
  'origin-list': parseOrigins,
  mailbox: (text) =>
    check(
      mailbox.test(text),
      text,
      'an e-mail address, or a name and an address such as Bulkhead <bulkhead@example.com>',
    ),
  'security-contact': (text) =>
    check(
      isUrl(text, ['https']) || mailAddress.test(text),
      text,
      'an e-mail address or a URL that starts with https://',
    ),
  list: (text) => ({ value: Object.freeze(splitList(text)) }),
  'cidr-list': (text, { min = 0 }) =>
    check(
      splitList(text).every((part) => isCidr(part, min)),
      Object.freeze(splitList(text)),
      'networks in CIDR form, comma-separated, such as 10.0.0.0/8',
    ),
  'name-servers': (text) =>
    check(
      splitList(text).every(isNameServer),
      Object.freeze(splitList(text)),
      'addresses, comma-separated, such as 192.0.2.1 or 192.0.2.1:53',
    ),
  base64url: (text, { min = 0, max = Infinity }) => {
    const { length } = Buffer.from(text, 'base64url');
    const isGood = /^[\w-]+$/.test(text) && length >= min && length <= max;
    return check(isGood, text, `${min} bytes in base64url, without padding`);
  },
  'signing-key': parseSigningKey,
  'secret-key': (text) => parseSecretKeys([text], text),
  'secret-key-list': (text) => parseSecretKeys(splitList(text), Object.freeze(splitList(text)), 'one of them '),
  'oidc-providers': (text) => {
    const providers = parseOidcProviders(text);
    return typeof providers === 'string' ? { expected: providers } : { value: providers };
  },
  limits: parseLimits,
};

/** parseValue returns the typed value, or `expected:` and what was. */
export function parseValue(setting: Setting, text: string): Parsed {
  const { type } = setting;
  if (typeof type === 'object') return check(type.oneOf.includes(text), text, `one of ${type.oneOf.join(', ')}`);
  return parsers[type](text, setting);
}
