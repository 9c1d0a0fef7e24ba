/** How Better Auth is set up: what is ours to do is switched off in it, and what is left works in our flows. */
import type { BetterAuthOptions } from 'better-auth';
import type { Config } from '#kernel/config';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { accountFlow, createBetterAuthAdapter, type AccountFlow } from './better-auth-adapter.ts';
import { maxPasswordLength } from './password-policy.ts';
import { sessionCookieName } from './session-cookie.ts';

export interface EngineParts {
  readonly db: Database;
  readonly config: Config;
  readonly log: Logger;
  /** Signs the session cookie. */
  readonly secret: string;
}

function currentFlow(): AccountFlow {
  const flow = accountFlow.getStore();
  if (!flow) throw new Error('the account engine was called outside an account flow');
  return flow;
}

const engineInternals = {
  database: { generateId: () => newId() },
  ipAddress: { ipAddressHeaders: ['x-client-ip'] }, // set by us from the address the server trusts (K4.4)
  useSecureCookies: false, // would prefix __Secure-; the attributes below say Secure themselves
  cookies: {
    session_token: {
      name: sessionCookieName,
      attributes: { secure: true, httpOnly: true, sameSite: 'lax', path: '/' },
    },
  },
} satisfies BetterAuthOptions['advanced'];

/** engineOptions are Better Auth's options for an installation. */
export function engineOptions({ db, config, log, secret }: EngineParts) {
  return {
    appName: 'Bulkhead',
    baseURL: config.publicUrl ?? `http://localhost:${config.port}`,
    secret,
    database: createBetterAuthAdapter(db),
    telemetry: { enabled: false },
    rateLimit: { enabled: false }, // ours are taken by the routes, before any of this runs
    logger: {
      level: 'warn',
      log: (_level, message) => log.debug({ engine: message }, 'account engine'),
    },
    advanced: engineInternals,
    session: {
      expiresIn: config.sessionAbsoluteDays * 86_400,
      disableSessionRefresh: true, // the absolute lifetime is absolute; the idle one is kept by whoever reads sessions
      cookieCache: { enabled: false },
      additionalFields: { tenantId: { type: 'string', required: true, input: false } },
    },
    user: { additionalFields: { username: { type: 'string', required: false } } },
    account: { encryptOAuthTokens: true },
    verification: { storeIdentifier: 'hashed' },
    emailAndPassword: {
      enabled: true,
      autoSignIn: true,
      minPasswordLength: 1, // the policy is ours and was applied before
      maxPasswordLength,
      password: {
        hash: async () => currentFlow().newPasswordHash ?? 'no password',
        verify: async () => false, // nobody signs in through the library
      },
    },
    databaseHooks: {
      session: {
        create: {
          // The only hook that runs between the user and the session, inside the transaction.
          before: async (session) => ({
            data: { ...session, tenantId: await currentFlow().chooseTenant(session.userId) },
          }),
        },
      },
    },
  } satisfies BetterAuthOptions;
}
