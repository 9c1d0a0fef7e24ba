/** The one-time link that creates the owner: single use, stored hashed, replaced at each start until it was used. */
import { randomBytes } from 'node:crypto';
import type { Config } from '#kernel/config';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { hashToken } from './session-cookie.ts';

/** Any number, but always this one: setting up, by whichever process or link, happens one at a time. */
const setupLockKey = 7_041_993_218;

async function lockSetup(tx: Tx): Promise<void> {
  await tx.query({ text: 'select pg_advisory_xact_lock($1)', values: [setupLockKey] });
}

async function hasUsers(tx: Tx): Promise<boolean> {
  const [row] = await tx.query<{ found: boolean }>({ text: 'select exists(select from auth.users) as found' });
  return row?.found ?? false;
}

/** isSetupOpen is true until the first account exists. */
export function isSetupOpen(db: Database): Promise<boolean> {
  return db.withAuth(async (tx) => !(await hasUsers(tx)));
}

/**
 * createSetupLink returns `<publicUrl>/setup#token=…` when there is no account yet, else null. Links made before stop
 * working. The token stands behind the `#`, so that it reaches no server log and no Referer.
 */
export async function createSetupLink(options: {
  db: Database;
  config: Config;
  publicUrl?: string;
}): Promise<string | null> {
  const { db, config } = options;
  const token = randomBytes(32).toString('base64url');
  const isOpen = await db.withAuth(async (tx) => {
    await lockSetup(tx);
    await tx.query({ text: 'delete from auth.setup_links' });
    if (await hasUsers(tx)) return false;
    await tx.query({
      text: 'insert into auth.setup_links (id, token_hash) values ($1, $2)',
      values: [newId(), hashToken(token)],
    });
    return true;
  });
  const base = options.publicUrl ?? config.publicUrl ?? `http://localhost:${config.port}`;
  return isOpen ? `${base.replace(/\/+$/, '')}/setup#token=${token}` : null;
}

/** isSetupToken tells whether a token would be accepted now; asked before costly work is done for a stranger. */
export function isSetupToken(db: Database, token: string): Promise<boolean> {
  return db.withAuth(async (tx) => {
    const rows = await tx.query({
      text: 'select id from auth.setup_links where token_hash = $1',
      values: [hashToken(token)],
    });
    return rows.length > 0 && !(await hasUsers(tx));
  });
}

/** useSetupToken uses the link up in the caller's transaction; false for whoever comes second. */
export async function useSetupToken(tx: Tx, token: string): Promise<boolean> {
  await lockSetup(tx);
  const rows = await tx.query({
    text: 'delete from auth.setup_links where token_hash = $1 returning id',
    values: [hashToken(token)],
  });
  return rows.length > 0 && !(await hasUsers(tx));
}
