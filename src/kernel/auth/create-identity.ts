/** Turns a session cookie into a principal with no more than a map look-up when it was seen a moment ago. */
import type { Config } from '#kernel/config';
import type { Database } from '#kernel/db';
import type { Logger } from '#kernel/log';
import type { PermissionSource } from '#kernel/tenancy';
import { createAccountEngine, type AccountEngine } from './account-engine.ts';
import { createApiKeyResolver } from './api-keys/resolve-api-key.ts';
import { resolveBearer, type BearerResolver } from './bearer.ts';
import { findStanding } from './find-standing.ts';
import { createPasswordHasher, type PasswordHasher, type PasswordHasherOptions } from './password-hasher.ts';
import { createSessionCache, type SessionCache } from './session-cache.ts';
import { findSessionCookie, hashToken, openSessionCookie } from './session-cookie.ts';
import { announce, principalOf, readSession, sessionChannel, touchSession, visitOf } from './session-store.ts';
import { createAccessTokenResolver } from './tokens/resolve-access-token.ts';
import type { Identity, SessionSubject } from './types.ts';

/** KnownApp is what the home page shows of an application, and what its policy gives to roles. */
export interface KnownApp extends PermissionSource {
  readonly id: string;
  readonly title: string;
  readonly tagline: string;
  /** False for modules of the kernel, which have permissions and no home. */
  readonly isShown?: boolean;
  /** Whether the application is switched on for an organisation; it is, unless this says otherwise. */
  readonly isOnFor?: (tenantId: string) => boolean;
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
  /** Signs the session cookie. */
  readonly secret: string;
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
  const listeners = new Set<(subject: SessionSubject) => void>();
  const stopListening = await db.listen(sessionChannel, (subject) => {
    cache.drop(subject);
    for (const listener of listeners) listener(subject as SessionSubject);
  });
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
    const visit = visitOf(session, time);
    const visitEndsAt = visit ? (session.support_until?.getTime() ?? 0) : Infinity;
    return {
      principal: visit ?? principalOf(session),
      subject: `session:${session.id}`,
      until: Math.min(time + cacheMilliseconds, endsAt, visitEndsAt),
    };
  }

  const parts = { db, cache, now, later: background.later };
  const bearers: readonly BearerResolver[] = [createApiKeyResolver(parts), createAccessTokenResolver(parts)];
  const identity: Identity = {
    resolve(credentials) {
      const { authorization } = credentials;
      if (authorization !== undefined) return resolveBearer(bearers, authorization, credentials);
      const cookie = findSessionCookie(credentials.cookie);
      return cookie === null ? Promise.resolve(null) : cache.resolve(`cookie ${cookie}`, () => load(cookie));
    },
    announce,
    standingOf: (caller) => db.withAuth((tx) => findStanding(tx, caller, new Date(now()))),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    forget: (subject) => cache.drop(subject),
    later: background.later,
    now,
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
    secret,
    later: background.later,
  });
  return identity;
}
