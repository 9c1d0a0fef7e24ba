/** Reads and writes what the operator set; every write tells every process when it commits. */
import type { Database, Tx } from '#kernel/db';
import { exceptionKey, type FlagSettings } from './evaluate.ts';

/** flagChannel says: the flags have changed, read them anew. */
export const flagChannel = 'bulkhead_flags';

/** readSettings reads all flags and exceptions; both are few. */
export function readSettings(db: Database): Promise<FlagSettings> {
  return db.withSystem('read feature flags', async (tx) => {
    const flags = await tx.query<{ name: string; rollout_percent: number }>({
      name: 'flags-read',
      text: 'select name, rollout_percent from kernel.feature_flags',
    });
    const exceptions = await tx.query<{ tenant_id: string; flag_name: string; is_on: boolean }>({
      name: 'flags-read-exceptions',
      text: 'select tenant_id, flag_name, is_on from kernel.feature_flag_exceptions',
    });
    return {
      rollouts: new Map(flags.map((row) => [row.name, row.rollout_percent])),
      exceptions: new Map(exceptions.map((row) => [exceptionKey(row.tenant_id, row.flag_name), row.is_on])),
    };
  });
}

async function notify(tx: Tx): Promise<void> {
  await tx.query({ text: `select pg_notify($1, '')`, values: [flagChannel] });
}

/** writeRollout sets a flag for everybody; null goes back to the default of the code. */
export async function writeRollout(tx: Tx, name: string, percent: number | null, userId: string): Promise<void> {
  await tx.query(
    percent === null
      ? { text: 'delete from kernel.feature_flags where name = $1', values: [name] }
      : {
          text: `insert into kernel.feature_flags (name, rollout_percent, updated_by) values ($1, $2, $3)
                 on conflict (name) do update set rollout_percent = excluded.rollout_percent,
                   updated_by = excluded.updated_by, updated_at = now()`,
          values: [name, percent, userId],
        },
  );
  await notify(tx);
}

/** writeException sets a flag for one organisation; null makes it one like the others. False: there is no such organisation. */
export async function writeException(
  tx: Tx,
  flag: { readonly name: string; readonly tenantId: string; readonly isOn: boolean | null },
  userId: string,
): Promise<boolean> {
  const { name, tenantId, isOn } = flag;
  const found = await tx.query({ text: 'select id from auth.organizations where id = $1', values: [tenantId] });
  if (found.length === 0) return false;
  await tx.query(
    isOn === null
      ? {
          text: 'delete from kernel.feature_flag_exceptions where tenant_id = $1 and flag_name = $2',
          values: [tenantId, name],
        }
      : {
          text: `insert into kernel.feature_flag_exceptions (tenant_id, flag_name, is_on, updated_by)
                 values ($1, $2, $3, $4)
                 on conflict (tenant_id, flag_name) do update set is_on = excluded.is_on,
                   updated_by = excluded.updated_by, updated_at = now()`,
          values: [tenantId, name, isOn, userId],
        },
  );
  await notify(tx);
  return true;
}
