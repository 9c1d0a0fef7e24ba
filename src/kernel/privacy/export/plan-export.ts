/** What a person's copy is made of: the account, everything in organisations that are theirs alone, and what is theirs elsewhere. */
import type { Instant } from '#kernel/db';
import type { DataMap } from '../types.ts';
import type { TableSource } from './read-table.ts';

/** Membership is an organisation the person belongs to. */
export interface Membership {
  readonly tenantId: string;
  readonly name: string;
  readonly isPersonal: boolean;
  /** Everything in it is the person's, and ends with the account: the personal one, and those that nobody else belongs to. */
  readonly isWhole: boolean;
}

/** readMemberships lists the person's organisations, the personal one first. */
export async function readMemberships(db: Instant, userId: string): Promise<Membership[]> {
  const rows = await db.withAuth((tx) =>
    tx.query<{ tenant_id: string; name: string; is_personal: boolean; is_whole: boolean }>({
      text: `select m.tenant_id, o.name, coalesce(o.personal_user_id = m.user_id, false) as is_personal,
               not exists (select from auth.members a where a.tenant_id = m.tenant_id and a.user_id <> m.user_id) as is_whole
             from auth.members m join auth.organizations o on o.id = m.tenant_id
             where m.user_id = $1 order by 3 desc, m.created_at`,
      values: [userId],
    }),
  );
  return rows.map((row) => ({
    tenantId: row.tenant_id,
    name: row.name,
    isPersonal: row.is_personal,
    isWhole: row.is_personal || row.is_whole,
  }));
}

/** PlannedTable is a table of the copy and the folder it goes into. */
export interface PlannedTable extends TableSource {
  readonly folder: string;
}

/** planTables lists the tables of a copy, in the order they are written. */
export function planTables(map: DataMap, userId: string, memberships: readonly Membership[]): PlannedTable[] {
  const notes = Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1));
  const account = notes.flatMap(([table, note]) =>
    note.holds === 'account' ? [{ table, note, tenantId: null, userId, folder: 'account' }] : [],
  );
  const elsewhere = memberships.flatMap(({ tenantId, isPersonal, isWhole }, index) =>
    notes.flatMap(([table, note]) => {
      const isIncluded = note.holds === 'person' || (note.holds === 'organisation' && isWhole);
      if (!isIncluded) return [];
      const folder = isPersonal ? 'personal' : `organisation-${index}`;
      return [{ table, note, tenantId, userId, folder }];
    }),
  );
  return [...account, ...elsewhere];
}
