/**
 * The account engine: Better Auth behind our routes. It makes users, credential accounts, sessions and cookies; what
 * surrounds them (limits, hashing, organisation, audit) is ours, and all of it happens in one transaction.
 */
import type { Config } from '#kernel/config';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { findHomeOrganization } from '#kernel/tenancy';
import { accountFlow, createBetterAuthAdapter, type AccountFlow } from './better-auth-adapter.ts';
import { authErrors } from './errors.ts';
import { maxPasswordLength } from './password-policy.ts';
import { sessionCookieName } from './session-cookie.ts';

export interface NewAccount {
  readonly name: string;
  readonly email: string;
  readonly username?: string;
}

/** Client is what is remembered about the browser that signs in. */
export interface Client {
  readonly address: string;
  readonly userAgent: string;
}

/** SignedIn is the outcome of an account flow. `cookies` are Set-Cookie values and the only place where the token is. */
export interface SignedIn {
  readonly userId: string;
  readonly cookies: readonly string[];
}

export interface AccountEngine {
  /** Makes user, personal organisation (by `chooseTenant`), account and session in `flow.tx`. Throws EMAIL_TAKEN, USERNAME_TAKEN. */
  signUp(flow: AccountFlow, account: NewAccount, client: Client): Promise<SignedIn>;
  /** Makes a session for an account whose password was verified against `flow.verifiedHash`; null when the hash changed meanwhile. */
  signIn(flow: AccountFlow, email: string, client: Client): Promise<SignedIn | null>;
  /** Loads the library; the first flow does so otherwise. */
  warm(): Promise<void>;
}

/** The library never sees a real password: hashing happens before its transaction, and the proof is in the flow. */
const placeholderPassword = 'settled before the transaction';

function currentFlow(): AccountFlow {
  const flow = accountFlow.getStore();
  if (!flow) throw new Error('the account engine was called outside an account flow');
  return flow;
}

async function loadBetterAuth(options: { db: Database; config: Config; log: Logger; secret: string }) {
  // Loaded on first use: half a second that a starting server need not wait for.
  const { betterAuth } = await import('better-auth/minimal');
  const { config, log } = options;
  return betterAuth({
    appName: 'Bulkhead',
    baseURL: config.publicUrl ?? `http://localhost:${config.port}`,
    secret: options.secret,
    database: createBetterAuthAdapter(options.db),
    telemetry: { enabled: false },
    rateLimit: { enabled: false }, // ours are taken by the routes, before any of this runs
    logger: { level: 'warn', log: (level, message) => void log[level === 'error' ? 'warn' : 'debug']({ engine: message }, 'account engine') },
    advanced: {
      database: { generateId: () => newId() },
      ipAddress: { ipAddressHeaders: ['x-client-ip'] }, // set by us from the address the server trusts (K4.4)
      useSecureCookies: false, // would prefix __Secure-; the attributes below say Secure themselves
      cookies: { session_token: { name: sessionCookieName, attributes: { secure: true, httpOnly: true, sameSite: 'lax', path: '/' } } },
    },
    session: {
      expiresIn: config.sessionAbsoluteDays * 86_400,
      disableSessionRefresh: true, // the absolute lifetime is absolute; the idle one is kept by the session reader
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
        verify: async ({ hash }) => hash === currentFlow().verifiedHash,
      },
    },
    databaseHooks: {
      session: { create: { before: async (session) => ({ data: { ...session, tenantId: await currentFlow().chooseTenant(session.userId) } }) } },
    },
  });
}

function headersOf(client: Client): Headers {
  return new Headers({ 'x-client-ip': client.address, 'user-agent': client.userAgent.slice(0, 500) });
}

/** explainFailure turns what the engine or the database threw into our errors; what is unknown stays itself. */
function explainFailure(error: unknown, flow: AccountFlow): unknown {
  const cause = (flow.failure ?? error) as { code?: unknown; constraint?: unknown; body?: { code?: unknown } };
  if (cause.code === '23505') {
    return String(cause.constraint).includes('username') ? authErrors.USERNAME_TAKEN({ cause }) : authErrors.EMAIL_TAKEN({ cause });
  }
  if (String(cause.body?.code).startsWith('USER_ALREADY_EXISTS')) return authErrors.EMAIL_TAKEN({ cause });
  return cause;
}

/** createAccountEngine makes the engine of a process. Nothing is loaded before the first flow, or `warm`. */
export function createAccountEngine(options: { db: Database; config: Config; log: Logger; secret: string }): AccountEngine {
  let loading: ReturnType<typeof loadBetterAuth> | undefined;
  const load = () => (loading ??= loadBetterAuth(options));
  return {
    warm: async () => void (await load()),
    async signUp(flow, account, client) {
      const auth = await load();
      return accountFlow.run(flow, async () => {
        try {
          const { headers, response } = await auth.api.signUpEmail({
            body: { ...account, password: placeholderPassword },
            headers: headersOf(client),
            returnHeaders: true,
          });
          return { userId: response.user.id, cookies: headers.getSetCookie() };
        } catch (error) {
          throw explainFailure(error, flow);
        }
      });
    },
    async signIn(flow, email, client) {
      const auth = await load();
      return accountFlow.run(flow, async () => {
        try {
          const { headers, response } = await auth.api.signInEmail({
            body: { email, password: placeholderPassword },
            headers: headersOf(client),
            returnHeaders: true,
          });
          return { userId: response.user.id, cookies: headers.getSetCookie() };
        } catch (error) {
          if ((error as { body?: { code?: unknown } }).body?.code === 'INVALID_EMAIL_OR_PASSWORD') return null;
          throw explainFailure(error, flow);
        }
      });
    },
  };
}

/** chooseHome is the `chooseTenant` of a sign-in: the person's home organisation. */
export function chooseHome(tx: Tx): (userId: string) => Promise<string> {
  return async (userId) => {
    const tenantId = await findHomeOrganization(tx, userId);
    if (!tenantId) throw new Error(`user ${userId} belongs to no organisation`);
    return tenantId;
  };
}
