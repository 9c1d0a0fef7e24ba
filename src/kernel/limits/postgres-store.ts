/** Counters in PostgreSQL for several processes without Redis: one upsert per take, timed by the database's clock. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Database, Tx } from '#kernel/db';
import type { CounterStore } from './counter-store.ts';

interface CountRow {
  readonly used: string;
  readonly left_milliseconds: number;
}

const addSql = `
  insert into kernel.rate_limits as r (key, used_points, expires_at)
  values ($1, $2, clock_timestamp() + make_interval(secs => $3))
  on conflict (key) do update set
    used_points = case when r.expires_at <= clock_timestamp() then excluded.used_points
                       else r.used_points + excluded.used_points end,
    expires_at = case when r.expires_at <= clock_timestamp() then excluded.expires_at else r.expires_at end
  returning used_points::text as used,
    greatest(0, extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as left_milliseconds`;

const pruneIntervalMilliseconds = 10 * 60_000;

/**
 * createPostgresStore counts in kernel.rate_limits, an unlogged table: its commits do not wait for the disk, and a
 * crash of PostgreSQL forgets the counters.
 */
export function createPostgresStore(db: Pick<Database, 'withSystem'>): CounterStore {
  // A take is its own transaction even when the caller has one open: a rollback must not give attempts back.
  const outsideCaller = AsyncLocalStorage.snapshot();
  const run = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => outsideCaller(() => db.withSystem('rate limits', work));

  const pruning = setInterval(() => {
    // Expired rows are only garbage: the next round, or the next take of the same key, mends a failed deletion.
    run((tx) => tx.query({ text: 'delete from kernel.rate_limits where expires_at < clock_timestamp()' })).catch(
      () => undefined,
    );
  }, pruneIntervalMilliseconds);
  pruning.unref();

  return {
    name: 'postgres',
    async add(key, points, windowSeconds) {
      const [row] = await run((tx) =>
        tx.query<CountRow>({ name: 'limits-add', text: addSql, values: [key, points, windowSeconds] }),
      );
      if (!row) throw new Error('the upsert of a rate limit returned no row');
      return { used: Number(row.used), leftMilliseconds: row.left_milliseconds };
    },
    async clear(key) {
      await run((tx) => tx.query({ text: 'delete from kernel.rate_limits where key = $1', values: [key] }));
    },
    async ping() {
      await run((tx) => tx.query({ text: 'select 1' }));
    },
    async close() {
      clearInterval(pruning);
    },
  };
}
