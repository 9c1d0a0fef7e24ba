/** Many transactions, each with the rights of its role and tenant, read one and the same instant while it is held open. */
import type { Tx } from './types.ts';

/** A transaction that says nothing for a minute is ended by the server. */
const signMilliseconds = 15_000;

/** HeldSnapshot is the name of an instant; it can be used until it is let go. */
export interface HeldSnapshot {
  readonly snapshot: string;
  release(): Promise<void>;
}

/** holdSnapshot keeps a transaction open that exports its snapshot (pg_export_snapshot). `run` runs work in one. */
export async function holdSnapshot(run: (work: (tx: Tx) => Promise<void>) => Promise<void>): Promise<HeldSnapshot> {
  const { promise: released, resolve: letGo } = Promise.withResolvers<void>();
  const { promise: exported, resolve: tell, reject: fail } = Promise.withResolvers<string>();
  const holding = run(async (tx) => {
    const [row] = await tx.query<{ snapshot: string }>({ text: 'select pg_export_snapshot() as snapshot' });
    tell(row?.snapshot ?? '');
    let isReleased = false;
    void released.then(() => (isReleased = true));
    while (!isReleased) {
      const { promise: sign, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, signMilliseconds);
      await Promise.race([released, sign]);
      clearTimeout(timer);
      if (!isReleased) await tx.query({ text: 'select 1' });
    }
  });
  // Should the holder break, whoever uses the snapshot is told by its own statement.
  holding.catch(fail);
  return {
    snapshot: await exported,
    async release() {
      letGo();
      await holding.catch(() => undefined);
    },
  };
}
