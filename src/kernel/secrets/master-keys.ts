/** Master keys wrap data keys and nothing else; the current one wraps, older ones only unwrap. */
import { hkdfSync } from 'node:crypto';
import { EnvelopeError, openEnvelope, parseEnvelope, sealEnvelope } from './envelope.ts';

export interface MasterKeys {
  /** Id of the key that wraps; wrapped keys with another id are what a rotation has yet to rewrap. */
  readonly currentId: string;
  wrap(tenantId: string, dataKeyId: string, dataKey: Uint8Array): string;
  /** Throws EnvelopeError when no master key here has the id named, or the wrapping was tampered with. */
  unwrap(tenantId: string, dataKeyId: string, wrapped: string): Buffer;
}

function derive(masterKey: string, info: string, bytes: number): Buffer {
  const secret = Buffer.from(masterKey, 'base64');
  if (secret.length < 32) throw new Error('a master key must have at least 32 bytes');
  return Buffer.from(hkdfSync('sha256', secret, 'bulkhead', info, bytes));
}

/** The id is derived, so that naming a key in a ciphertext tells nothing of it and needs no register. */
function keyId(masterKey: string): string {
  return derive(masterKey, 'master key id v1', 8).toString('base64url');
}

const context = (tenantId: string, dataKeyId: string) => [tenantId, 'kernel.data_keys', 'wrapped_key', dataKeyId];

/** createMasterKeys takes base64 keys: the one in use, and those it replaced. */
export function createMasterKeys(current: string, previous: readonly string[]): MasterKeys {
  const wrappingKeys = new Map(
    [...previous, current].map((key) => [keyId(key), derive(key, 'master key wrap v1', 32)]),
  );
  const currentId = keyId(current);
  const currentKey = derive(current, 'master key wrap v1', 32);
  return {
    currentId,
    wrap: (tenantId, dataKeyId, dataKey) => sealEnvelope(currentKey, currentId, context(tenantId, dataKeyId), dataKey),
    unwrap(tenantId, dataKeyId, wrapped) {
      const envelope = parseEnvelope(wrapped);
      const key = wrappingKeys.get(envelope.kid);
      if (!key) throw new EnvelopeError(`no master key ${envelope.kid} is configured`);
      return openEnvelope(key, envelope, context(tenantId, dataKeyId));
    },
  };
}
