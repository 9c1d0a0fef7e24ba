/** One sealed text, `v1.kid.iv.ct.tag` in base64url: authentic, bound to its context, and naming the key it needs. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const algorithm = 'aes-256-gcm';
const version = 'v1';
const ivBytes = 12;
const tagBytes = 16;
const base64url = /^[A-Za-z0-9_-]*$/;

/** EnvelopeError says why a text does not open; for the log, never for a caller. */
export class EnvelopeError extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'EnvelopeError';
  }
}

/** KeyMissingError: the text is whole as far as can be told, and the key that it names is not here. */
export class KeyMissingError extends EnvelopeError {}

export interface Envelope {
  readonly kid: string;
  readonly iv: Buffer;
  readonly ciphertext: Buffer;
  readonly tag: Buffer;
}

/** parseEnvelope takes a sealed text apart. Throws EnvelopeError unless every part has its exact form and length. */
export function parseEnvelope(sealed: string): Envelope {
  const [v, kid = '', iv = '', ciphertext = '', tag = '', ...rest] = sealed.split('.');
  if (v !== version || rest.length > 0 || kid === '') throw new EnvelopeError('not a v1 envelope');
  if (![kid, iv, ciphertext, tag].every((part) => base64url.test(part))) throw new EnvelopeError('not base64url');
  const envelope = {
    kid,
    iv: Buffer.from(iv, 'base64url'),
    ciphertext: Buffer.from(ciphertext, 'base64url'),
    tag: Buffer.from(tag, 'base64url'),
  };
  // GCM itself accepts tags down to 4 bytes, which can be guessed.
  if (envelope.iv.length !== ivBytes || envelope.tag.length !== tagBytes)
    throw new EnvelopeError('wrong iv or tag length');
  return envelope;
}

/** bindContext is the additional data: every part of the context and the key id, joined by a character none may hold. */
function bindContext(context: readonly string[], kid: string): Buffer {
  const parts = [...context, kid];
  if (parts.some((part) => part === '' || part.includes('|')))
    throw new EnvelopeError('a part of the context is empty or holds |');
  return Buffer.from(parts.join('|'), 'utf8');
}

/** sealEnvelope encrypts `plaintext` under a 32-byte key with a fresh random iv, bound to `context`. */
export function sealEnvelope(key: Uint8Array, kid: string, context: readonly string[], plaintext: Uint8Array): string {
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv(algorithm, key, iv, { authTagLength: tagBytes }).setAAD(bindContext(context, kid));
  const ciphertext = Buffer.concat([cipher.update(plaintext), cipher.final()]);
  return [version, kid, ...[iv, ciphertext, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.');
}

/** openEnvelope decrypts. Throws EnvelopeError when key, context or any bit of the text differs. */
export function openEnvelope(key: Uint8Array, envelope: Envelope, context: readonly string[]): Buffer {
  const { kid, iv, ciphertext, tag } = envelope;
  const decipher = createDecipheriv(algorithm, key, iv, { authTagLength: tagBytes });
  decipher.setAAD(bindContext(context, kid)).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch (cause) {
    throw new EnvelopeError('authentication failed', cause);
  }
}
