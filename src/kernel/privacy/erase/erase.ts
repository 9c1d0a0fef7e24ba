/**
 * Erasure removes every row of a person or an organisation in one transaction, together with the request for it, and
 * leaves a certificate with numbers that name nobody. Files and finished jobs follow; a crash between leaves their removal
 * to the sweepers: of files within the hour, of jobs within a month.
 */
import type { Services } from '#kernel/app';
import type { Anonymised } from '#kernel/audit';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { DataMap } from '../types.ts';
import { writeCertificate } from './certificate.ts';
import { noteErased } from './erased-list.ts';
import { planLateSweeps } from './sweep-late-rows.ts';

/** DueErasure is a request whose time of grace is over. */
export interface DueErasure {
  readonly id: string;
  readonly kind: 'person' | 'organisation';
  readonly subjectId: string;
  readonly certificateId: string;
  readonly requestedAt: Date;
}

/** Erased is what was deleted: rows by table. */
export type Erased = Map<string, number>;

function add(erased: Erased, table: string, rows: number): void {
  if (rows > 0) erased.set(table, (erased.get(table) ?? 0) + rows);
}

async function eraseTenant(tx: Tx, tenantId: string, erased: Erased): Promise<void> {
  const rows = await tx.query<{ table_name: string; row_count: string }>({
    text: 'select table_name, row_count from kernel.erase_tenant($1)',
    values: [tenantId],
  });
  for (const row of rows) add(erased, row.table_name, Number(row.row_count));
}

/** Tables bound to a person that are machinery to look at, and theirs to have deleted all the same. */
const alsoPersonal = ['kernel.idempotency_keys'];

/** leaveShared deletes what is the person's in organisations of others, and takes their name off what stays there. */
async function leaveShared(tx: Tx, map: DataMap, userId: string, erased: Erased): Promise<void> {
  const personal = Object.entries(map).filter(([, note]) => note.holds === 'person');
  // Maps name what others hang on first; the last goes first, so that nothing goes uncounted with what it hangs on.
  for (const name of [...personal.map(([table]) => table).toReversed(), ...alsoPersonal]) {
    const rows = await tx.query<{ count: number }>({
      text: `with gone as (delete from ${name} where owner_id = $1 returning 1) select count(*)::int as count from gone`,
      values: [userId],
    });
    add(erased, name, rows[0]?.count ?? 0);
  }
  // One new id for all that stays, so that sums by person still add up and lead to nobody.
  const nobody = newId();
  for (const [name, note] of Object.entries(map)) {
    if (note.holds !== 'organisation') continue;
    for (const column of note.anonymise ?? [])
      await tx.query({ text: `update ${name} set ${column} = $2 where ${column} = $1`, values: [userId, nobody] });
  }
  for (const table of ['kernel.budgets', 'kernel.budget_accounts'])
    await tx.query({ text: `update ${table} set holder = $2 where holder = $1`, values: [userId, nobody] });
}

/** eraseNotices deletes what others were told in the app and that names the person. */
async function eraseNotices(tx: Tx, userId: string, erased: Erased): Promise<void> {
  const rows = await tx.query<{ count: number }>({
    text: `with gone as (delete from kernel.notifications where about_id = $1 returning 1)
           select count(*)::int as count from gone`,
    values: [userId],
  });
  add(erased, 'kernel.notifications', rows[0]?.count ?? 0);
}

/** eraseMail deletes what was sent to the person, also at addresses of before: the texts, and that it was sent. */
async function eraseMail(tx: Tx, userId: string, email: string | undefined, erased: Erased): Promise<void> {
  const rows = await tx.query<{ count: number }>({
    text: `with gone as (delete from kernel.mail_messages where account_id = $1 or lower(recipient) = $2 returning 1)
           select count(*)::int as count from gone`,
    values: [userId, email?.toLowerCase() ?? null],
  });
  add(erased, 'kernel.mail_messages', rows[0]?.count ?? 0);
}

interface Subject {
  readonly email: string;
  /** The personal organisation, and those that nobody else belongs to. */
  readonly tenantIds: readonly string[];
  /** Rows that hang on the account, by table: they go with it, uncounted by the database. */
  readonly account: ReadonlyMap<string, number>;
}

async function countAccount(tx: Tx, map: DataMap, userId: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const [name, note] of Object.entries(map)) {
    if (note.holds !== 'account') continue;
    const [row] = await tx.query<{ count: number }>({
      text: `select count(*)::int as count from ${name} where ${note.by} = $1`,
      values: [userId],
    });
    counts.set(name, row?.count ?? 0);
  }
  return counts;
}

async function readSubject({ db }: Services, map: DataMap, userId: string): Promise<Subject | null> {
  return db.withAuth(async (tx) => {
    const [row] = await tx.query<{ email: string; tenants: string[] }>({
      text: `select u.email, array(
               select m.tenant_id from auth.members m where m.user_id = u.id
                 and not exists (select from auth.members o where o.tenant_id = m.tenant_id and o.user_id <> u.id)
             ) as tenants
             from auth.users u where u.id = $1`,
      values: [userId],
    });
    if (!row) return null;
    return { email: row.email, tenantIds: row.tenants, account: await countAccount(tx, map, userId) };
  });
}

async function erasePerson(tx: Tx, map: DataMap, userId: string, subject: Subject | null): Promise<Erased> {
  const erased: Erased = new Map();
  await leaveShared(tx, map, userId, erased);
  await eraseNotices(tx, userId, erased);
  await eraseMail(tx, userId, subject?.email, erased);
  for (const tenantId of subject?.tenantIds ?? []) await eraseTenant(tx, tenantId, erased);
  const [row] = await tx.query<{ count: string }>({
    text: 'select kernel.erase_account($1) as count',
    values: [userId],
  });
  add(erased, 'auth.users', Number(row?.count ?? 0));
  // Those that went with an organisation are counted already.
  for (const [table, rows] of subject?.account ?? []) add(erased, table, rows - (erased.get(table) ?? 0));
  return erased;
}

/** erase carries one request out. Throws when a table refuses; nothing is deleted then. */
export async function erase(services: Services, map: DataMap, due: DueErasure): Promise<void> {
  const { db, storage, jobs, audit } = services;
  const { kind, subjectId } = due;
  const subject = kind === 'person' ? await readSubject(services, map, subjectId) : null;
  await db.withSystem('erase what was asked to be erased', async (tx) => {
    // Before the account goes: the database finds by it what leads to the person.
    const anonymised: Anonymised | null = kind === 'person' ? await audit.anonymise(tx, subjectId) : null;
    const erased = kind === 'person' ? await erasePerson(tx, map, subjectId, subject) : new Map<string, number>();
    if (kind === 'organisation') await eraseTenant(tx, subjectId, erased);
    await writeCertificate(tx, services, due, { erased, anonymised });
    await tx.query({ text: 'delete from kernel.erasures where id = $1', values: [due.id] });
    await planLateSweeps(tx);
    if (anonymised) await audit.recordAnonymised(tx, anonymised);
    // Last, and before the commit: whoever is gone is surely on the list.
    await noteErased(services.config, due);
  });
  await storage.sweep();
  for (const id of [subjectId, ...(subject?.tenantIds ?? [])]) await jobs.forget(id);
}
