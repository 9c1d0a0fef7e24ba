/** Figures of the installation: how many people and organisations there are, and what they did in the last 30 days. */
import type { Database } from '#kernel/db';
import type { ActivityDay } from './contract.ts';

interface Population {
  readonly people: number;
  readonly disabled: number;
  readonly organisations: number;
  readonly active: number;
}

/** readPopulation counts accounts and shared organisations. */
export async function readPopulation(db: Database): Promise<Population> {
  const [row] = await db.withAuth((tx) =>
    tx.query<Population>({
      text: `select count(*)::int as people, (count(*) filter (where disabled_at is not null))::int as disabled,
               (select count(*)::int from auth.organizations where personal_user_id is null) as organisations,
               (select count(distinct user_id)::int from (
                 select user_id from auth.sessions where last_used_at > now() - interval '1 day'
                 union all select user_id from auth.token_families where last_used_at > now() - interval '1 day') s) as active
             from auth.users`,
    }),
  );
  return row ?? { people: 0, disabled: 0, organisations: 0, active: 0 };
}

interface DayRow {
  readonly day: string;
  readonly people: number;
  readonly messages: number;
  readonly tokens: string;
  readonly cost_micros: string;
}

/** readActivity has one entry for each of the last 30 days (UTC), also for those on which nothing happened; today is last. */
export async function readActivity(db: Database): Promise<ActivityDay[]> {
  const rows = await db.withSystem('activity of the last 30 days', (tx) =>
    tx.query<DayRow>({
      text: `select to_char(d.day, 'YYYY-MM-DD') as day, coalesce(c.people, 0) as people, coalesce(c.messages, 0) as messages,
               coalesce(c.tokens, 0) as tokens, coalesce(c.cost_micros, 0) as cost_micros
             from generate_series((now() at time zone 'UTC')::date - 29, (now() at time zone 'UTC')::date, '1 day') as d (day)
             left join (select (created_at at time zone 'UTC')::date as day, count(distinct user_id)::int as people,
                 count(distinct run_id) filter (where outcome = 'ok')::int as messages, sum(input_tokens + output_tokens) as tokens,
                 coalesce(sum(cost_micros), 0) as cost_micros
               from kernel.model_calls where created_at > now() - interval '31 days' group by 1) c on c.day = d.day
             order by d.day`,
    }),
  );
  return rows.map((row) => ({
    day: row.day,
    people: row.people,
    messages: row.messages,
    tokens: Number(row.tokens),
    costMicros: Number(row.cost_micros),
  }));
}
