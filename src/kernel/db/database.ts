/** The one handle on a ready database: transactions by role, notifications, health. The pools never leave this file. */
import type { Pool } from 'pg';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { createListener } from './listener.ts';
import { holdSnapshot } from './open-instant.ts';
import { createPool, formatDatabaseUrl, type Endpoint } from './pools.ts';
import { rolePassword, type RoleName } from './roles.ts';
import { runTransaction } from './transactions.ts';
import type { Database } from './types.ts';

export interface DatabaseParts {
  readonly endpoint: Endpoint;
  readonly ownerUrl: string;
  readonly authSecret: string;
  readonly poolSize: number;
  readonly log: Logger;
  readonly isEmbedded: boolean;
  /** Runs after the pools are closed (stops the embedded server). */
  readonly onClose: () => Promise<void>;
}

async function withDeadline(work: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the database did not answer within ${milliseconds} ms`)), milliseconds);
  });
  try {
    await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

/** createDatabase makes the handle. Connections open on first use. */
export function createDatabase(parts: DatabaseParts): Database {
  const { endpoint, log } = parts;
  const urlOf = (role: RoleName): string => formatDatabaseUrl(endpoint, role, rolePassword(parts.authSecret, role));
  const poolOf = (role: RoleName, max: number): Pool => createPool({ url: urlOf(role), role, max, log });
  const app = poolOf('bulkhead_app', parts.poolSize);
  const system = poolOf('bulkhead_system', Math.max(2, Math.ceil(parts.poolSize / 2)));
  const auth = poolOf('bulkhead_auth', Math.max(2, Math.ceil(parts.poolSize / 2)));
  const pools = [app, system, auth];
  const sessionName = `bulkhead_listener:${newId()}`;
  const listener = createListener(urlOf('bulkhead_system'), sessionName, log);
  let closing: Promise<void> | undefined;

  return {
    withTenant: (scope, work) => runTransaction(app, scope, work),
    withSystem: (reason, work) => {
      log.debug({ reason }, 'work across tenants');
      return runTransaction(system, null, work);
    },
    withAuth: (work) => runTransaction(auth, null, work),
    async openInstant(reason) {
      log.debug({ reason }, 'an instant is held');
      const { snapshot, release } = await holdSnapshot((work) => runTransaction(system, null, work));
      return {
        withTenant: (scope, work) => runTransaction(app, scope, work, snapshot),
        withAuth: (work) => runTransaction(auth, null, work, snapshot),
        [Symbol.asyncDispose]: release,
      };
    },
    listen: (channel, onNotify) => listener.listen(channel, onNotify),
    ping: (timeoutMilliseconds) => withDeadline(app.query('select 1'), timeoutMilliseconds),
    urls: { owner: parts.ownerUrl, system: urlOf('bulkhead_system'), auth: urlOf('bulkhead_auth') },
    isEmbedded: parts.isEmbedded,
    sessionName,
    stats: () => ({
      total: pools.reduce((sum, pool) => sum + pool.totalCount, 0),
      idle: pools.reduce((sum, pool) => sum + pool.idleCount, 0),
      waiting: pools.reduce((sum, pool) => sum + pool.waitingCount, 0),
    }),
    close() {
      closing ??= (async () => {
        await listener.close();
        await Promise.all(pools.map((pool) => pool.end()));
        await parts.onClose();
      })();
      return closing;
    },
  };
}
