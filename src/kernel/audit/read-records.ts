/** Records are read by place in the chain, so that pages and exports neither skip nor repeat one while others are added. */
import type { Database, Tx } from '#kernel/db';
import type { AuditFilters, AuditRecord } from './contract.ts';
import type { Seals } from './record-digest.ts';

export interface RecordRow {
  readonly id: string;
  readonly sequence: string;
  readonly occurred_at: Date;
  readonly action: string;
  readonly resource: string;
  readonly details: AuditRecord['details'];
  readonly actor_kind: string;
  readonly actor_user_id: string | null;
  readonly actor_via: string;
  readonly address: string | null;
  readonly device: string | null;
  readonly request_id: string | null;
  readonly form: number;
  readonly salt: Buffer | null;
  readonly seals: Seals | null;
  readonly anonymised_at: Date | null;
  readonly hash: Buffer;
}

export interface ReadOptions {
  readonly filters: AuditFilters;
  readonly order: 'oldest-first' | 'newest-first';
  /** Go on after this place; null to begin. */
  readonly after: string | null;
  readonly limit: number;
}

/** prefixPattern is a LIKE pattern for texts that begin with `prefix`. */
function prefixPattern(prefix: string): string {
  return `${prefix.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

const columns = `id, sequence::text, occurred_at, action, resource, details, actor_kind, actor_user_id, actor_via,
  address, device, request_id, form, salt, seals, anonymised_at, hash`;

/** readRecords reads one page of an organisation's records. */
export function readRecords(tx: Tx, tenantId: string, options: ReadOptions): Promise<RecordRow[]> {
  const { filters, order, after, limit } = options;
  const values: unknown[] = [tenantId];
  const conditions = ['tenant_id = $1'];
  const add = (condition: string, value: unknown): void => {
    if (value !== undefined && value !== null) conditions.push(condition.replace('?', `$${values.push(value)}`));
  };
  const isNewestFirst = order === 'newest-first';
  add(isNewestFirst ? 'r.sequence < ?' : 'r.sequence > ?', after);
  add('actor_user_id = ?', filters.actorUserId);
  add('actor_kind = ?', filters.actorKind);
  add('action like ?', filters.action && prefixPattern(filters.action));
  add('resource like ?', filters.resource && prefixPattern(filters.resource));
  add('occurred_at >= ?', filters.from);
  add('occurred_at < ?', filters.to);
  return tx.query<RecordRow>({
    text: `select ${columns} from kernel.audit_records as r where ${conditions.join(' and ')}
           order by r.sequence ${isNewestFirst ? 'desc' : 'asc'} limit ${limit}`,
    values,
  });
}

/** readNames gives the names of people by id; those whose account is gone are left out. Outside any transaction. */
export async function readNames(
  db: Pick<Database, 'withAuth'>,
  userIds: readonly (string | null)[],
): Promise<Map<string, string>> {
  const ids = [...new Set(userIds.filter((userId) => userId !== null))];
  if (ids.length === 0) return new Map();
  const rows = await db.withAuth((tx) =>
    tx.query<{ id: string; name: string }>({
      name: 'audit-names',
      text: 'select id, name from auth.users where id = any($1::uuid[])',
      values: [ids],
    }),
  );
  return new Map(rows.map((row) => [row.id, row.name]));
}

/** toRecord shows a row as the contract does. */
export function toRecord(row: RecordRow, names: ReadonlyMap<string, string>): AuditRecord {
  return {
    id: row.id,
    sequence: Number(row.sequence),
    occurredAt: row.occurred_at.toISOString(),
    action: row.action,
    resource: row.resource,
    details: row.details,
    actor: {
      kind: row.actor_kind,
      userId: row.actor_user_id,
      name: names.get(row.actor_user_id ?? '') ?? null,
      via: row.actor_via,
    },
    address: row.address,
    device: row.device,
    requestId: row.request_id,
    anonymised:
      row.anonymised_at && row.seals
        ? { at: row.anonymised_at.toISOString(), fields: Object.keys(row.seals.erased).toSorted() }
        : null,
    hash: row.hash.toString('hex'),
  };
}
