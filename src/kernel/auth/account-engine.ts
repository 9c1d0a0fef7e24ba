/**
 * The account engine: Better Auth behind our routes. It makes users, credential accounts, sessions and cookies; what
 * surrounds them (limits, hashing, organisation, audit) is ours, and all of it happens in one transaction.
 */
import type { Tx } from '#kernel/db';
import { findHomeOrganization } from '#kernel/tenancy';
import { accountFlow, type AccountFlow } from './better-auth-adapter.ts';
import { engineOptions, type EngineParts } from './engine-options.ts';
import { authErrors } from './errors.ts';
import type { Principal } from './principal.ts';
import { hashToken } from './session-cookie.ts';
import { findSession, principalOf } from './session-store.ts';

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

/** SignedIn is the outcome of an account flow. `cookies` are Set-Cookie values, the only place where the token is. */
export interface SignedIn {
  readonly principal: Principal;
  readonly cookies: readonly string[];
}

export interface AccountEngine {
  /**
   * Makes user, personal organisation (by `chooseTenant`), account and session in `flow.tx`.
   * Throws EMAIL_TAKEN and USERNAME_TAKEN.
   */
  signUp(flow: AccountFlow, account: NewAccount, client: Client): Promise<SignedIn>;
  /** Loads the library; the first flow does so otherwise. */
  warm(): Promise<void>;
}

/** The library never sees a real password: hashing happens before its transaction, and the proof is in the flow. */
const placeholderPassword = 'settled before the transaction';

async function loadBetterAuth(parts: EngineParts) {
  // Loaded on first use: half a second that a starting server need not wait for.
  const { betterAuth } = await import('better-auth/minimal');
  return betterAuth(engineOptions(parts));
}

function headersOf(client: Client): Headers {
  return new Headers({ 'x-client-ip': client.address, 'user-agent': client.userAgent.slice(0, 500) });
}

/** explainFailure turns what the engine or the database threw into our errors; what is unknown stays itself. */
function explainFailure(error: unknown, flow: AccountFlow): unknown {
  const cause = (flow.failure ?? error) as { code?: unknown; constraint?: unknown; body?: { code?: unknown } };
  if (cause.code === '23505') {
    const isUsername = String(cause.constraint).includes('username');
    return isUsername ? authErrors.USERNAME_TAKEN({ cause }) : authErrors.EMAIL_TAKEN({ cause });
  }
  if (String(cause.body?.code).startsWith('USER_ALREADY_EXISTS')) return authErrors.EMAIL_TAKEN({ cause });
  return cause;
}

/** readNewSession says as whom the session just made acts. */
async function readNewSession(tx: Tx, token: string | null): Promise<Principal> {
  const [row] = token === null ? [] : await findSession(tx, hashToken(token));
  if (!row) throw new Error('the account engine made no session');
  return principalOf(row);
}

type EngineApi = Awaited<ReturnType<typeof loadBetterAuth>>['api'];

interface EngineAnswer {
  readonly headers: Headers;
  readonly response: { readonly token: string | null };
}

/** createAccountEngine makes the engine of a process. Nothing is loaded before the first flow, or `warm`. */
export function createAccountEngine(parts: EngineParts): AccountEngine {
  let loading: ReturnType<typeof loadBetterAuth> | undefined;
  const load = () =>
    (loading ??= loadBetterAuth(parts).catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));

  async function run(flow: AccountFlow, act: (api: EngineApi) => Promise<EngineAnswer>): Promise<SignedIn> {
    const { api } = await load();
    try {
      const { headers, response } = await accountFlow.run(flow, () => act(api));
      return { principal: await readNewSession(flow.tx, response.token), cookies: headers.getSetCookie() };
    } catch (error) {
      throw explainFailure(error, flow);
    }
  }

  return {
    warm: async () => void (await load()),
    signUp: (flow, account, client) =>
      run(flow, (api) =>
        api.signUpEmail({
          body: { ...account, password: placeholderPassword },
          headers: headersOf(client),
          returnHeaders: true,
        }),
      ),
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
