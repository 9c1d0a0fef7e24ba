/** A stored credential opens only with the master key, in the organisation, table, column and row it was sealed for. */
import { randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import { isId, newId } from '#kernel/ids';
import { EnvelopeError, KeyMissingError, openEnvelope, parseEnvelope, sealEnvelope } from './envelope.ts';
import { secretsErrors } from './errors.ts';
import { createMasterKeys, type MasterKeys } from './master-keys.ts';
import type { KeyRing, SealedColumn, SecretBox, SecretPlace } from './types.ts';

export interface SecretBoxOptions {
  /** Base64 of 32 bytes or more; `config.masterKey`. */
  readonly masterKey: string | undefined;
  /** Master keys replaced by rotation; they only decrypt. */
  readonly previousMasterKeys?: readonly string[];
  /** Reads the keys again, so that a rotation reaches a running server; absent where they cannot change. */
  readonly reload?: () => KeyRing;
  /** All columns that hold sealed texts; sealing for any other throws. Absent: no column is known, and any will do. */
  readonly columns?: readonly SealedColumn[];
}

interface DataKeyRow {
  readonly id: string;
  readonly wrapped_key: string;
}

interface DataKey {
  readonly id: string;
  readonly bytes: Buffer;
}

const mostCachedKeys = 1_000;

/** A key id is a UUID; in a ciphertext it is written in 22 characters. */
const toKid = (id: string) => Buffer.from(id.replaceAll('-', ''), 'hex').toString('base64url');

function fromKid(kid: string): string {
  const id = Buffer.from(kid, 'base64url')
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  if (!isId(id)) throw new EnvelopeError('the key id is not one of ours');
  return id;
}

/** placeIn is the place of one row's text in a declared column. */
export function placeIn({ table, column }: SealedColumn, tenantId: string, rowId: string): SecretPlace {
  return { tenantId, table, column, rowId };
}

const contextOf = (place: SecretPlace) => [place.tenantId, place.table, place.column, place.rowId];

/** inPlace refuses another tenant's transaction (the key cache knows no row-level security) and maps what does not open. */
async function inPlace(tx: Tx, place: SecretPlace, work: () => Promise<string>): Promise<string> {
  if (tx.scope && tx.scope.tenantId !== place.tenantId)
    throw new Error('a secret belongs to the tenant of its transaction');
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EnvelopeError)) throw error;
    const internal = `${place.table}.${place.column} of row ${place.rowId}: ${error.message}`;
    // A rotation that one server has not heard of: nobody should enter again what is not lost.
    if (error instanceof KeyMissingError) throw secretsErrors.SECRET_KEY_MISSING({ internal, cause: error });
    throw secretsErrors.SECRET_UNREADABLE({ internal, cause: error });
  }
}

/** createSecretBox makes the box. Throws when there is no master key. */
export function createSecretBox(options: SecretBoxOptions): SecretBox {
  const { masterKey, previousMasterKeys = [], reload, columns } = options;
  if (!masterKey) throw new Error('encryption at rest needs a master key');
  const known = columns && new Set(columns.map(({ table, column }) => `${table}.${column}`));
  return new TenantSecretBox(createMasterKeys({ masterKey, previousMasterKeys }, reload), known);
}

class TenantSecretBox implements SecretBox {
  readonly #masterKeys: MasterKeys;
  /**
   * Unwrapped keys by organisation and id, for opening only. Sealing always reads the key in the caller's
   * transaction: a cached key whose creation was rolled back would seal what nobody could open.
   */
  readonly #opened = new Map<string, Buffer>();
  readonly #knownColumns: ReadonlySet<string> | undefined;

  constructor(masterKeys: MasterKeys, knownColumns: ReadonlySet<string> | undefined) {
    this.#masterKeys = masterKeys;
    this.#knownColumns = knownColumns;
  }

  async seal(tx: Tx, place: SecretPlace, plaintext: string): Promise<string> {
    // A renewal of data keys would pass it by.
    if (this.#knownColumns?.has(`${place.table}.${place.column}`) === false)
      throw new Error(`${place.table}.${place.column} is not among the sealed columns`);
    return inPlace(tx, place, async () => {
      const key = (await this.#findActive(tx, place.tenantId)) ?? (await this.#create(tx, place.tenantId));
      return sealEnvelope(key.bytes, toKid(key.id), contextOf(place), Buffer.from(plaintext, 'utf8'));
    });
  }

  async open(tx: Tx, place: SecretPlace, ciphertext: string): Promise<string> {
    return inPlace(tx, place, async () => {
      const envelope = parseEnvelope(ciphertext);
      const key = await this.#findById(tx, place.tenantId, fromKid(envelope.kid));
      return openEnvelope(key, envelope, contextOf(place)).toString('utf8');
    });
  }

  async #findActive(tx: Tx, tenantId: string): Promise<DataKey | null> {
    const [row] = await tx.query<DataKeyRow>({
      name: 'secrets-active-key',
      text: 'select id, wrapped_key from kernel.data_keys where tenant_id = $1 and retired_at is null',
      values: [tenantId],
    });
    return row ? { id: row.id, bytes: this.#masterKeys.unwrap(tenantId, row.id, row.wrapped_key) } : null;
  }

  async #create(tx: Tx, tenantId: string): Promise<DataKey> {
    const id = newId();
    await tx.query({
      text: `insert into kernel.data_keys (id, tenant_id, wrapped_key) values ($1, $2, $3)
             on conflict (tenant_id) where retired_at is null do nothing`,
      values: [id, tenantId, this.#masterKeys.wrap(tenantId, id, randomBytes(32))],
    });
    // Whoever lost the race waited for the winner's commit and now reads the winner's key.
    const key = await this.#findActive(tx, tenantId);
    if (!key) throw new Error('the data key just made is not there');
    return key;
  }

  async #findById(tx: Tx, tenantId: string, id: string): Promise<Buffer> {
    const cacheKey = `${tenantId}/${id}`;
    const cached = this.#opened.get(cacheKey);
    if (cached) return cached;
    const [row] = await tx.query<DataKeyRow>({
      name: 'secrets-key-by-id',
      text: 'select id, wrapped_key from kernel.data_keys where tenant_id = $1 and id = $2',
      values: [tenantId, id],
    });
    if (!row) throw new EnvelopeError(`there is no data key ${id}`);
    const bytes = this.#masterKeys.unwrap(tenantId, id, row.wrapped_key);
    const [oldest] = this.#opened.keys();
    if (this.#opened.size >= mostCachedKeys && oldest) this.#opened.delete(oldest);
    this.#opened.set(cacheKey, bytes);
    return bytes;
  }
}
