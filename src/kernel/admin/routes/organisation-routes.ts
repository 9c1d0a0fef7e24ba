/** Routes about organisations: who there is, how much they use, and what is switched on for them. */
import type { Services } from '#kernel/app';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route } from '#kernel/http';
import { adminContract, type OrganisationSummary } from '../contract.ts';
import {
  findOrganisation,
  listMembers,
  listOrganisations,
  readMonths,
  type MonthRow,
  type OrganisationRow,
} from '../organisation-store.ts';
import { searchPattern } from '../search-pattern.ts';

const readLimit: Limit = { name: 'admin.read', max: 600, windowSeconds: 60, by: 'user' };

function toOrganisation(row: OrganisationRow, month: MonthRow | undefined, { config }: Services): OrganisationSummary {
  return {
    id: row.id,
    name: row.name,
    isPersonal: row.is_personal,
    createdAt: row.created_at.toISOString(),
    members: row.members,
    owners: row.owners,
    plan: month?.plan ?? config.defaultPlan,
    costMicrosThisMonth: Number(month?.cost_micros ?? 0),
    tokensThisMonth: Number(month?.tokens ?? 0),
  };
}

async function monthsOf({ db }: Services, rows: readonly OrganisationRow[]): Promise<Map<string, MonthRow>> {
  const ids = rows.map((row) => row.id);
  const months = await db.withSystem('use of organisations', (tx) => readMonths(tx, ids));
  return new Map(months.map((month) => [month.tenant_id, month]));
}

const list = defineRoute(adminContract, 'GET /admin/organisations', {
  id: 'admin.organisations.list',
  access: 'operator',
  limit: readLimit,
  async handler({ query, services }) {
    const filter = {
      pattern: searchPattern(query.search),
      kind: query.kind ?? null,
      before: readIdCursor(query.cursor),
      limit: query.limit + 1,
    };
    const rows = await services.db.withAuth((tx) => listOrganisations(tx, filter));
    const months = await monthsOf(services, rows);
    return toIdPage(rows, query.limit, (row) => toOrganisation(row, months.get(row.id), services));
  },
});

/** readExceptions are the flags that this organisation has another way. */
async function readExceptions({ db }: Services, organisationId: string): Promise<Set<string>> {
  const rows = await db.withSystem('flags of an organisation', (tx) =>
    tx.query<{ flag_name: string }>({
      text: 'select flag_name from kernel.feature_flag_exceptions where tenant_id = $1',
      values: [organisationId],
    }),
  );
  return new Set(rows.map((row) => row.flag_name));
}

const read = defineRoute(adminContract, 'GET /admin/organisations/{organisationId}', {
  id: 'admin.organisations.read',
  access: 'operator',
  limit: readLimit,
  async handler({ params: { organisationId }, services }) {
    const { row, people } = await services.db.withAuth(async (tx) => ({
      row: await findOrganisation(tx, organisationId),
      people: await listMembers(tx, organisationId),
    }));
    if (!row) throw kernelErrors.NOT_FOUND();
    const months = await monthsOf(services, [row]);
    const exceptions = await readExceptions(services, organisationId);
    const flags = services.flags.declared.map(({ name, title }) => ({
      name,
      title,
      isOn: services.flags.isOn(name, organisationId),
      isException: exceptions.has(name),
    }));
    const { currency } = services.config;
    return { ...toOrganisation(row, months.get(row.id), services), currency, people, flags };
  },
});

export const organisationRoutes: readonly Route[] = [list, read];
