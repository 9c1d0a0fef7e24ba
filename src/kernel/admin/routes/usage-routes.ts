/** Use and cost of the whole installation, by day, organisation and model. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit, type Route } from '#kernel/http';
import { adminContract } from '../contract.ts';

const readLimit: Limit = { name: 'admin.usage', max: 120, windowSeconds: 60, by: 'user' };
const maxDays = 92;
const dayMilliseconds = 86_400_000;

interface UsageRow {
  readonly day: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly model: string;
  readonly calls: string;
  readonly tokens: string;
  readonly cost_micros: string;
}

function assertRange({ from, to }: { readonly from: string; readonly to: string }): void {
  const days = (Date.parse(to) - Date.parse(from)) / dayMilliseconds + 1;
  if (days >= 1 && days <= maxDays) return;
  const detail = `between 1 and ${maxDays} days, the last included`;
  throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/to', detail }] });
}

const readUsage = defineRoute(adminContract, 'GET /admin/usage', {
  id: 'admin.usage.read',
  access: 'operator',
  limit: readLimit,
  async handler({ query, services }) {
    assertRange(query);
    const rows = await services.db.withSystem('use of the installation', (tx) =>
      tx.query<UsageRow>({
        text: `select to_char(c.day, 'YYYY-MM-DD') as day, c.tenant_id, o.name, c.model, c.calls, c.tokens, c.cost_micros
               from (select (created_at at time zone 'UTC')::date as day, tenant_id, model, count(*) as calls,
                   sum(input_tokens + output_tokens) as tokens, coalesce(sum(cost_micros), 0) as cost_micros
                 from kernel.model_calls
                 where created_at >= $1::date::timestamp at time zone 'UTC'
                   and created_at < ($2::date + 1)::timestamp at time zone 'UTC'
                 group by 1, 2, 3) c
               join auth.organizations o on o.id = c.tenant_id
               order by c.cost_micros desc, c.tokens desc, c.day desc, c.tenant_id, c.model limit $3`,
        values: [query.from, query.to, query.limit + 1],
      }),
    );
    return {
      currency: services.config.currency,
      isComplete: rows.length <= query.limit,
      items: rows.slice(0, query.limit).map((row) => ({
        day: row.day,
        organisationId: row.tenant_id,
        organisationName: row.name,
        model: row.model,
        calls: Number(row.calls),
        tokens: Number(row.tokens),
        costMicros: Number(row.cost_micros),
      })),
    };
  },
});

export const usageRoutes: readonly Route[] = [readUsage];
