/** Turns a session cookie into a principal with no more than a map look-up when it was seen a moment ago. */
import type { Config } from '#kernel/config';
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';
import type { PermissionSource } from '#kernel/tenancy';
import { createAccountEngine, type AccountEngine } from './account-engine.ts';
import { createPasswordHasher, type PasswordHasher, type PasswordHasherOptions } from './password-hasher.ts';
import { createSessionCache, type SessionCache } from './session-cache.ts';
import { findSessionCookie, hashToken, openSessionCookie } from './session-cookie.ts';
import { principalOf, readSession, sessionChannel, touchSession } from './session-store.ts';
import type { Identity } from './types.ts';

/** KnownApp is what the home page shows of an application, and what its policy gives to roles. */
export interface KnownApp extends PermissionSource {
  readonly id: string;
  readonly title: string;
  readonly tagline: string;
  /** False for modules of the kernel, which have permissions and no home. */
  readonly isShown?: boolean;
}

export interface IdentityOptions {
  readonly db: Database;
  readonly config: Config;
  readonly log: Logger;
  /** The installed applications, for permissions and the home page. */
  readonly listApps?: () => readonly KnownApp[];
  readonly hashing?: PasswordHasherOptions;
  /** Milliseconds since 1970; scripted in tests. */
  readonly now?: () => number;
}

/** IdentityInternals is what this module's routes need and nobody else gets. */
export interface IdentityInternals {
  readonly hasher: PasswordHasher;
  readonly engine: AccountEngine;
  readonly cache: SessionCache;
  readonly listApps: () => readonly KnownApp[];
  readonly now: () => number;
  /** Does work that the answer must not wait for; `close` waits for it, failures are logged. */
  readonly later: (what: string, work: () => Promise<unknown>) => void;
}

const cacheMilliseconds = 5_000;
const touchMilliseconds = 60_000;
const internals = new WeakMap<Identity, IdentityInternals>();

/** internalsOf returns what createIdentity made besides the public door. */
export function internalsOf(identity: Identity): IdentityInternals {
  const found = internals.get(identity);
  if (!found) throw new Error('this identity was not made by createIdentity');
  return found;
}

function createBackground(log: Logger) {
  const running = new Set<Promise<void>>();
  function later(what: string, work: () => Promise<unknown>): void {
    const task = work()
      .then(
        () => undefined,
        (error: unknown) => log.warn({ err: error, what }, 'background work of identity failed'),
      )
      .finally(() => running.delete(task));
    running.add(task);
  }
  return { later, settle: async () => void (await Promise.all(running)) };
}

/** createIdentity makes the identity of a process. Needs `config.authSecret`; close it before the database. */
export async function createIdentity(options: IdentityOptions): Promise<Identity> {
  const { db, config, log, now = Date.now } = options;
  const secret = config.authSecret;
  if (!secret) throw new Error('AUTH_SECRET is missing');
  const cache = createSessionCache(now);
  const background = createBackground(log);
  const stopListening = await db.listen(sessionChannel, (subject) => cache.drop(subject));
  const idleMilliseconds = config.sessionIdleHours * 3_600_000;

  async function load(cookie: string) {
    const token = openSessionCookie(cookie, secret as string);
    const session = token === null ? null : await readSession(db, hashToken(token));
    if (!session) return null;
    const time = now();
    const endsAt = Math.min(session.expires_at.getTime(), session.last_used_at.getTime() + idleMilliseconds);
    if (endsAt <= time) return null;
    if (time - session.last_used_at.getTime() > touchMilliseconds) {
      background.later('record the use of a session', () => touchSession(db, session.id, new Date(time)));
    }
    return {
      principal: principalOf(session),
      sessionId: session.id,
      until: Math.min(time + cacheMilliseconds, endsAt),
    };
  }

  const identity: Identity = {
    resolve(cookieHeader) {
      const cookie = findSessionCookie(cookieHeader);
      return cookie === null ? Promise.resolve(null) : cache.resolve(cookie, () => load(cookie));
    },
    async close() {
      stopListening();
      await background.settle();
    },
  };
  internals.set(identity, {
    hasher: await createPasswordHasher(options.hashing),
    engine: createAccountEngine({ db, config, log, secret }),
    cache,
    listApps: options.listApps ?? (() => []),
    now,
    later: background.later,
  });
  return identity;
}
