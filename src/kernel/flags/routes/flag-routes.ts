/** Flags are read and switched by who runs the server; every switch is in the audit trail. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route } from '#kernel/http';
import { flagsContract } from '../contract.ts';
import { writeException, writeRollout } from '../flag-store.ts';
import type { FlagDeclaration, FlagService } from '../types.ts';

const readLimit: Limit = { name: 'flags.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'flags.write', max: 60, windowSeconds: 60, by: 'user' };

interface FlagRow {
  name: string;
  rollout_percent: number | null;
  exceptions: number;
  updated_at: Date | null;
}

function findFlag(flags: FlagService, name: string): FlagDeclaration {
  const flag = flags.declared.find((one) => one.name === name);
  if (!flag) throw kernelErrors.NOT_FOUND();
  return flag;
}

function toSummary(flag: FlagDeclaration, row: FlagRow | undefined) {
  const { name, title, description } = flag;
  return {
    name,
    title,
    description,
    default: flag.default,
    rolloutPercent: row?.rollout_percent ?? null,
    exceptions: row?.exceptions ?? 0,
    updatedAt: row?.updated_at?.toISOString() ?? null,
  };
}

function readRows(tx: Tx, names: readonly string[]): Promise<FlagRow[]> {
  return tx.query<FlagRow>({
    text: `select n.name, f.rollout_percent, f.updated_at,
                  (select count(*)::int from kernel.feature_flag_exceptions e where e.flag_name = n.name) as exceptions
           from unnest($1::text[]) as n (name) left join kernel.feature_flags f on f.name = n.name`,
    values: [names],
  });
}

const listFlags = defineRoute(flagsContract, 'GET /admin/flags', {
  id: 'flags.list',
  access: 'operator',
  limit: readLimit,
  async handler({ services }) {
    const { declared } = services.flags;
    const rows = await services.db.withSystem('list feature flags', (tx) =>
      readRows(
        tx,
        declared.map((flag) => flag.name),
      ),
    );
    const byName = new Map(rows.map((row) => [row.name, row]));
    const flags = declared.toSorted((a, b) => a.name.localeCompare(b.name));
    return { flags: flags.map((flag) => toSummary(flag, byName.get(flag.name))) };
  },
});

const setRollout = defineRoute(flagsContract, 'PUT /admin/flags/{flagName}', {
  id: 'flags.set',
  access: 'operator',
  limit: writeLimit,
  async handler(ctx) {
    const { services, params, body, principal } = ctx;
    const flag = findFlag(services.flags, params.flagName);
    const [row] = await services.db.withSystem('set a feature flag', async (tx) => {
      await writeRollout(tx, flag.name, body.rolloutPercent, principal.userId);
      const rows = await readRows(tx, [flag.name]);
      await ctx.audit(tx, {
        action: 'flags.set',
        resource: `flag:${flag.name}`,
        details: { rolloutPercent: body.rolloutPercent },
      });
      return rows;
    });
    await services.flags.reread();
    return toSummary(flag, row);
  },
});

interface ExceptionRow {
  id: string;
  name: string;
  is_on: boolean;
  updated_at: Date;
}

const listExceptions = defineRoute(flagsContract, 'GET /admin/flags/{flagName}/organisations', {
  id: 'flags.exceptions.list',
  access: 'operator',
  limit: readLimit,
  async handler({ services, params, query }) {
    const flag = findFlag(services.flags, params.flagName);
    const rows = await services.db.withSystem('list exceptions of a feature flag', (tx) =>
      tx.query<ExceptionRow>({
        text: `select e.tenant_id as id, o.name, e.is_on, e.updated_at
               from kernel.feature_flag_exceptions e join auth.organizations o on o.id = e.tenant_id
               where e.flag_name = $1 and ($2::uuid is null or e.tenant_id > $2) order by e.tenant_id limit $3`,
        values: [flag.name, readIdCursor(query.cursor), query.limit + 1],
      }),
    );
    return toIdPage(rows, query.limit, (row) => ({
      organisationId: row.id,
      organisationName: row.name,
      isOn: row.is_on,
      updatedAt: row.updated_at.toISOString(),
    }));
  },
});

const setException = defineRoute(flagsContract, 'PUT /admin/flags/{flagName}/organisations/{organisationId}', {
  id: 'flags.exceptions.set',
  access: 'operator',
  limit: writeLimit,
  async handler(ctx) {
    const { services, params, body, principal } = ctx;
    const { name } = findFlag(services.flags, params.flagName);
    const tenantId = params.organisationId;
    await services.db.withSystem('set a feature flag for an organisation', async (tx) => {
      const isFound = await writeException(tx, { name, tenantId, isOn: body.isOn }, principal.userId);
      if (!isFound) throw kernelErrors.NOT_FOUND();
      await ctx.audit(tx, {
        action: 'flags.exceptions.set',
        resource: `flag:${name}`,
        details: { organisationId: tenantId, isOn: body.isOn },
      });
    });
    await services.flags.reread();
  },
});

export const flagRoutes: readonly Route[] = [listFlags, setRollout, listExceptions, setException];
