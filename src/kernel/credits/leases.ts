/** Reservations of a living process never run out: while it holds any, their leases are pushed on in one statement. */
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';

export interface Leases {
  hold(reservationId: string): void;
  end(reservationId: string): void;
  close(): void;
}

/** createLeases renews each third of `leaseSeconds`, which is how long a reservation outlives its process. */
export function createLeases(db: Pick<Database, 'withSystem'>, log: Logger, leaseSeconds: number): Leases {
  const held = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  async function renew(): Promise<void> {
    try {
      await db.withSystem('renew reservations of credits', (tx) =>
        tx.last({
          name: 'credits-renew',
          text: `update kernel.credit_reservations set lease_until = clock_timestamp() + make_interval(secs => $2)
            where id = any($1) and state = 'held'`,
          values: [[...held], leaseSeconds],
        }),
      );
    } catch (error) {
      log.warn({ err: error }, 'reservations of credits could not be renewed; it is tried again');
    }
  }

  function stop(): void {
    clearInterval(timer);
    timer = undefined;
  }

  return {
    hold(reservationId) {
      held.add(reservationId);
      timer ??= setInterval(() => void renew(), Math.max(100, (leaseSeconds * 1_000) / 3)).unref();
    },
    end(reservationId) {
      held.delete(reservationId);
      if (held.size === 0) stop();
    },
    close: stop,
  };
}
