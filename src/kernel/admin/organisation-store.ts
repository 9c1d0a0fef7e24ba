/** Organisations as who runs the server sees them: name, members, plan and use. */
import type { Role } from '#kernel/auth';
import type { Tx } from '#kernel/db';

export interface OrganisationRow {
  readonly id: string;
  readonly name: string;
  readonly is_personal: boolean;
  readonly created_at: Date;
  readonly members: number;
  readonly owners: string[];
}

const organisationSql = `
  select o.id, o.name, o.personal_user_id is not null as is_personal, o.created_at,
    (select count(*)::int from auth.members where tenant_id = o.id) as members,
    array(select u.email from auth.members m join auth.users u on u.id = m.user_id
      where m.tenant_id = o.id and m.role = 'owner' order by m.user_id limit 3) as owners
  from auth.organizations o`;

export interface OrganisationFilter {
  readonly pattern: string | null;
  readonly kind: 'shared' | 'personal' | null;
  readonly before: string | null;
  readonly limit: number;
}

/** listOrganisations lists newest first. */
export function listOrganisations(
  tx: Tx,
  { before, kind, limit, pattern }: OrganisationFilter,
): Promise<OrganisationRow[]> {
  return tx.query<OrganisationRow>({
    text: `${organisationSql} where ($1::uuid is null or o.id < $1)
           and ($2::text is null or o.name ilike $2 or exists (select from auth.members m
             join auth.users u on u.id = m.user_id where m.tenant_id = o.id and u.email ilike $2))
           and ($3::text is null or (o.personal_user_id is not null) = ($3 = 'personal'))
           order by o.id desc limit $4`,
    values: [before, pattern, kind, limit],
  });
}

/** findOrganisation reads one, or null. */
export async function findOrganisation(tx: Tx, organisationId: string): Promise<OrganisationRow | null> {
  const [row] = await tx.query<OrganisationRow>({
    text: `${organisationSql} where o.id = $1`,
    values: [organisationId],
  });
  return row ?? null;
}

/** listMembers reads who belongs to an organisation. */
export function listMembers(tx: Tx, organisationId: string) {
  return tx.query<{ id: string; name: string; email: string; role: Role }>({
    text: `select u.id, u.name, u.email, m.role from auth.members m join auth.users u on u.id = m.user_id
           where m.tenant_id = $1 order by m.role = 'owner' desc, m.user_id limit 200`,
    values: [organisationId],
  });
}

export interface MonthRow {
  readonly tenant_id: string;
  readonly plan: 'free' | 'pro' | 'enterprise' | null;
  readonly cost_micros: string;
  readonly tokens: string;
}

/** readMonths reads plan and use of this month (UTC) of the organisations named, needing the system role. */
export function readMonths(tx: Tx, organisationIds: readonly string[]): Promise<MonthRow[]> {
  return tx.query<MonthRow>({
    text: `select n.id as tenant_id, p.plan, c.cost_micros, c.tokens
           from unnest($1::uuid[]) as n (id) left join kernel.organization_plans p on p.tenant_id = n.id
           cross join lateral (select coalesce(sum(cost_micros), 0) as cost_micros,
             coalesce(sum(input_tokens + output_tokens), 0) as tokens from kernel.model_calls
             where tenant_id = n.id and created_at >= date_trunc('month', now() at time zone 'UTC') at time zone 'UTC') c`,
    values: [organisationIds],
  });
}
