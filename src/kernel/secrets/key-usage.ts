/** What each master key is still needed for is read from the data keys themselves, so that it cannot be out of date. */
import type { Database } from '#kernel/db';
import { ConfigError } from '#kernel/config';
import { createMasterKeys, masterKeyId } from './master-keys.ts';
import type { KeyRing } from './types.ts';

/** MasterKeyUsage is one master key as an operator sees it; ids tell nothing of the key. */
export interface MasterKeyUsage {
  readonly id: string;
  /** current: wraps. previous: only decrypts. missing: data keys need it and it is not configured. */
  readonly state: 'current' | 'previous' | 'missing';
  /** Data keys wrapped under it. */
  readonly dataKeys: number;
  /** When the oldest of those was wrapped, ISO 8601; null when there are none. */
  readonly inUseSince: string | null;
}

interface UsageRow {
  readonly id: string;
  readonly data_keys: number;
  readonly since: Date;
}

/** listMasterKeys gives the current key, then the previous ones, then those that are missing. */
export async function listMasterKeys(db: Pick<Database, 'withSystem'>, ring: KeyRing): Promise<MasterKeyUsage[]> {
  const rows = await db.withSystem('master key usage', (tx) =>
    tx.query<UsageRow>({
      text: `select split_part(wrapped_key, '.', 2) as id, count(*)::int as data_keys, min(wrapped_at) as since
             from kernel.data_keys group by 1 order by 1`,
    }),
  );
  const used = new Map(rows.map((row) => [row.id, row]));
  const { ids, currentId } = createMasterKeys(ring);
  const missing = rows.map(({ id }) => id).filter((id) => !ids.includes(id));
  return [...ids, ...missing].map((id) => {
    const row = used.get(id);
    const state = id === currentId ? 'current' : ids.includes(id) ? 'previous' : 'missing';
    return { id, state, dataKeys: row?.data_keys ?? 0, inUseSince: row?.since.toISOString() ?? null };
  });
}

/** Protection is what still depends on a master key. */
export interface Protection {
  /** Data keys that a renewal has replaced and that texts still name. */
  readonly retiredDataKeys: number;
  /** Stored texts, by `schema.table.column`. */
  readonly sealed: Readonly<Record<string, number>>;
}

export interface KeyReport {
  readonly keys: readonly (MasterKeyUsage & Protection)[];
  /** Stored texts whose data key is gone, by column: nothing opens them. */
  readonly lost: Readonly<Record<string, number>>;
  /** A renewal of data keys began and has not ended: it runs, or was interrupted. */
  readonly isRenewing: boolean;
}

interface SealedRow {
  readonly master_key: string | null;
  readonly column: string;
  readonly sealed: number;
}

interface RetiredRow {
  readonly master_key: string;
  readonly retired: number;
  readonly unswept: number;
}

/** reportKeys tells what each master key still protects; it reads every sealed column. */
export async function reportKeys(db: Pick<Database, 'withSystem'>, ring: KeyRing): Promise<KeyReport> {
  const keys = await listMasterKeys(db, ring);
  const { sealed, retired } = await db.withSystem('master key usage', async (tx) => ({
    sealed: await tx.query<SealedRow>({
      text: `select split_part(k.wrapped_key, '.', 2) as master_key, c.table_name || '.' || c.column_name as column,
               sum(c.sealed_count)::int as sealed
             from kernel.count_sealed() c left join kernel.data_keys k on k.id = c.data_key_id
             group by 1, 2 order by 2`,
    }),
    retired: await tx.query<RetiredRow>({
      text: `select split_part(wrapped_key, '.', 2) as master_key, count(*)::int as retired,
               (count(*) filter (where swept_at is null))::int as unswept
             from kernel.data_keys where retired_at is not null group by 1`,
    }),
  }));
  const sealedUnder = (id: string | null) =>
    Object.fromEntries(sealed.filter((row) => row.master_key === id).map((row) => [row.column, row.sealed]));
  return {
    keys: keys.map((key) => ({
      ...key,
      retiredDataKeys: retired.find((row) => row.master_key === key.id)?.retired ?? 0,
      sealed: sealedUnder(key.id),
    })),
    lost: sealedUnder(null),
    isRenewing: retired.some(({ unswept }) => unswept > 0),
  };
}

/**
 * assertMasterKeys throws ConfigError naming the ids of master keys that stored credentials need and the ring lacks: a
 * server that started without them would lose the credentials one by one, as they are used.
 */
export async function assertMasterKeys(
  db: Pick<Database, 'withSystem' | 'isEmbedded'>,
  ring: KeyRing,
  setting: 'MASTER_KEY_PREVIOUS' | 'DATA_DIR' = db.isEmbedded ? 'DATA_DIR' : 'MASTER_KEY_PREVIOUS',
): Promise<void> {
  const missing = (await listMasterKeys(db, ring)).filter(({ state }) => state === 'missing');
  if (missing.length === 0) return;
  const names = missing
    .map(({ id, dataKeys }) => `${id} (${dataKeys} data key${dataKeys === 1 ? '' : 's'})`)
    .join(', ');
  const where = setting === 'DATA_DIR' ? 'its secrets.json lacks' : 'lacks';
  throw new ConfigError([
    {
      name: setting,
      expected:
        `${where} the master key with the id ${names}, without which stored credentials cannot be read. ` +
        `The current key is ${masterKeyId(ring.masterKey)}. Put the missing key back`,
    },
  ]);
}
