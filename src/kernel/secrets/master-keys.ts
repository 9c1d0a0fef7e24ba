/** Master keys wrap data keys and nothing else; the current one wraps, older ones only unwrap. */
import { hkdfSync } from 'node:crypto';
import { KeyMissingError, openEnvelope, parseEnvelope, sealEnvelope } from './envelope.ts';
import type { KeyRing } from './types.ts';

export interface MasterKeys {
  /** Id of the key that wraps; wrapped keys with another id are what a rotation has yet to rewrap. */
  readonly currentId: string;
  /** Ids of all keys held, the current one first. */
  readonly ids: readonly string[];
  wrap(tenantId: string, dataKeyId: string, dataKey: Uint8Array): string;
  /** Throws KeyMissingError when no master key here has the id named, EnvelopeError when the wrapping was tampered with. */
  unwrap(tenantId: string, dataKeyId: string, wrapped: string): Buffer;
}

function derive(masterKey: string, info: string, bytes: number): Buffer {
  const secret = Buffer.from(masterKey, 'base64');
  if (secret.length < 32) throw new Error('a master key must have at least 32 bytes');
  return Buffer.from(hkdfSync('sha256', secret, 'bulkhead', info, bytes));
}

/** masterKeyId is derived, so that naming a key in a ciphertext tells nothing of it and needs no register. */
export function masterKeyId(masterKey: string): string {
  return derive(masterKey, 'master key id v1', 8).toString('base64url');
}

const context = (tenantId: string, dataKeyId: string) => [tenantId, 'kernel.data_keys', 'wrapped_key', dataKeyId];

interface Held {
  readonly currentId: string;
  readonly currentKey: Buffer;
  readonly wrappingKeys: ReadonlyMap<string, Buffer>;
}

function hold({ masterKey, previousMasterKeys }: KeyRing): Held {
  const wrappingKeys = new Map(
    [masterKey, ...previousMasterKeys].map((key) => [masterKeyId(key), derive(key, 'master key wrap v1', 32)]),
  );
  const currentId = masterKeyId(masterKey);
  return { currentId, currentKey: derive(masterKey, 'master key wrap v1', 32), wrappingKeys };
}

/**
 * createMasterKeys holds the keys of a ring: the one in use, and those it replaced. `reload` reads the ring again; it is
 * asked before wrapping, and when a wrapped key names a master key that is not held: a rotation went on elsewhere.
 */
export function createMasterKeys(ring: KeyRing, reload?: () => KeyRing): MasterKeys {
  let held = hold(ring);
  const refresh = (): void => {
    if (reload) held = hold(reload());
  };
  return {
    get currentId() {
      return held.currentId;
    },
    get ids() {
      return [...held.wrappingKeys.keys()];
    },
    wrap(tenantId, dataKeyId, dataKey) {
      refresh();
      return sealEnvelope(held.currentKey, held.currentId, context(tenantId, dataKeyId), dataKey);
    },
    unwrap(tenantId, dataKeyId, wrapped) {
      const envelope = parseEnvelope(wrapped);
      if (!held.wrappingKeys.has(envelope.kid)) refresh();
      const key = held.wrappingKeys.get(envelope.kid);
      if (!key) throw new KeyMissingError(`no master key ${envelope.kid} is configured`);
      return openEnvelope(key, envelope, context(tenantId, dataKeyId));
    },
  };
}
