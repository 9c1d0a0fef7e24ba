/** Rows of support access. An access that ends tells every process in the same transaction, so that it ends everywhere at once. */
import type { Identity } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import type { SupportGrant } from './contract.ts';

export interface GrantRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly organisation_name: string;
  readonly asked_by: string;
  readonly asker_name: string;
  readonly reason: string;
  readonly hours: number;
  readonly state: SupportGrant['state'];
  readonly answerer_name: string | null;
  readonly answered_at: Date | null;
  readonly expires_at: Date;
  readonly created_at: Date;
}

const grantSql = `
  select g.id, g.tenant_id, o.name as organisation_name, g.asked_by, u.name as asker_name, g.reason, g.hours, g.state,
    a.name as answerer_name, g.answered_at, g.expires_at, g.created_at
  from auth.support_grants g join auth.organizations o on o.id = g.tenant_id
  join auth.users u on u.id = g.asked_by left join auth.users a on a.id = g.answered_by`;

/** toGrant shows a grant; one whose time is over is ended, whether or not somebody has tidied up since. */
export function toGrant(row: GrantRow, now: number): SupportGrant {
  const isOpen = row.state === 'asked' || row.state === 'granted';
  return {
    id: row.id,
    organisationId: row.tenant_id,
    organisationName: row.organisation_name,
    askedBy: row.asker_name,
    reason: row.reason,
    hours: row.hours,
    state: isOpen && row.expires_at.getTime() <= now ? 'ended' : row.state,
    answeredBy: row.answerer_name,
    answeredAt: row.answered_at?.toISOString() ?? null,
    expiresAt: row.expires_at.toISOString(),
    createdAt: row.created_at.toISOString(),
  };
}

/** GrantFilter says whose grants are meant; null leaves a condition out. */
export interface GrantFilter {
  readonly tenantId: string | null;
  readonly askedBy: string | null;
  readonly before: string | null;
  readonly limit: number;
}

/** listGrants lists newest first. */
export function listGrants(tx: Tx, { askedBy, before, limit, tenantId }: GrantFilter): Promise<GrantRow[]> {
  return tx.query<GrantRow>({
    text: `${grantSql} where ($1::uuid is null or g.tenant_id = $1) and ($2::uuid is null or g.asked_by = $2)
           and ($3::uuid is null or g.id < $3) order by g.id desc limit $4`,
    values: [tenantId, askedBy, before, limit],
  });
}

/** lockGrant reads a grant and holds it, so that consent, refusal and the clock never cross; null when it is none of theirs. */
export async function lockGrant(
  tx: Tx,
  grantId: string,
  of: { readonly tenantId: string } | { readonly askedBy: string },
): Promise<GrantRow | null> {
  const [tenantId, askedBy] = 'tenantId' in of ? [of.tenantId, null] : [null, of.askedBy];
  const [row] = await tx.query<GrantRow>({
    text: `${grantSql} where g.id = $1 and ($2::uuid is null or g.tenant_id = $2)
           and ($3::uuid is null or g.asked_by = $3) for update of g`,
    values: [grantId, tenantId, askedBy],
  });
  return row ?? null;
}

/** leaveVisits takes sessions out of a visit, everywhere at once; returns their ids, to be forgotten here after the commit. */
export async function leaveVisits(tx: Tx, identity: Identity, grantId: string): Promise<string[]> {
  const rows = await tx.query<{ id: string }>({
    text: 'update auth.sessions set support_grant_id = null where support_grant_id = $1 returning id',
    values: [grantId],
  });
  for (const { id } of rows) await identity.announce(tx, `session:${id}`);
  return rows.map(({ id }) => id);
}

/** ownersOf are those who answer for an organisation, and can. */
export async function ownersOf(tx: Tx, tenantId: string): Promise<string[]> {
  const rows = await tx.query<{ user_id: string }>({
    text: `select m.user_id from auth.members m join auth.users u on u.id = m.user_id
           where m.tenant_id = $1 and m.role = 'owner' and u.disabled_at is null order by m.user_id limit 50`,
    values: [tenantId],
  });
  return rows.map((row) => row.user_id);
}
