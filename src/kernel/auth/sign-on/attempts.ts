/**
 * People who are away at a provider. What was agreed at the start stays here; the browser holds a cookie and the provider
 * a state, and only both together fetch it back, once.
 */
import { randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import type { RequestContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { findCookie, hashToken, hostCookie } from '../session-cookie.ts';
import { publicOrigin, readNextPath, signOnAddresses } from './addresses.ts';
import { beginGithub } from './github.ts';
import { beginOidc } from './oidc.ts';
import { toSignOnError } from './provider-failure.ts';
import { beginSaml } from './saml.ts';
import { openOwnKey } from './saml-key.ts';
import type { AttemptRow, Provider, ProviderProfile, SignOnPurpose } from './types.ts';

const attemptSeconds = 600;
/** Lax: providers that post reach us without it, and the page they end on brings it. */
const browserCookieName = '__Host-bulkhead_sign_on';
const randomText = () => randomBytes(32).toString('base64url');

/** browserOf is the secret that this browser brought along, or null. */
export function browserOf(ctx: Pick<RequestContext, 'headers'>): string | null {
  const value = findCookie(ctx.headers['cookie'], browserCookieName);
  return value !== null && /^[\w-]{43}$/.test(value) ? value : null;
}

export interface AttemptStart {
  readonly provider: Provider;
  readonly purpose: SignOnPurpose;
  readonly next: string | undefined;
  /** Who links or shows again who they are. */
  readonly person?: { readonly userId: string; readonly sessionId: string };
}

const columns = `id, provider, connection_id, purpose, user_id, session_id, redirect_uri, nonce, code_verifier, next_path,
  profile, created_at`;

/** startAttempt notes who leaves and returns where to; two tabs may be away at once. Throws when the provider is away. */
export async function startAttempt(ctx: RequestContext, start: AttemptStart): Promise<{ url: string }> {
  const { provider, purpose, person } = start;
  const origin = publicOrigin(ctx);
  const addresses = signOnAddresses(origin, provider.id);
  const attempt = {
    id: newId(),
    state: randomText(),
    nonce: randomText(),
    codeVerifier: randomText(),
    redirectUri: addresses.redirectUri,
  };
  const browser = browserOf(ctx) ?? randomText();
  const url = await addressAtProvider(ctx, start, attempt, origin);
  await ctx.services.db.withAuth(async (tx) => {
    await tx.query({ text: 'delete from auth.sign_on_attempts where expires_at < now()' });
    await tx.query({
      text: `insert into auth.sign_on_attempts (id, state_hash, browser_hash, provider, connection_id, purpose, user_id,
               session_id, redirect_uri, nonce, code_verifier, next_path, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, now() + make_interval(secs => $13))`,
      values: [
        attempt.id,
        hashToken(attempt.state),
        hashToken(browser),
        provider.id,
        provider.connection?.id ?? null,
        purpose,
        person?.userId ?? null,
        person?.sessionId ?? null,
        attempt.redirectUri,
        attempt.nonce,
        attempt.codeVerifier,
        readNextPath(start.next),
        attemptSeconds,
      ],
    });
  });
  ctx.setCookies([hostCookie(browserCookieName, browser, attemptSeconds)]);
  return { url };
}

async function addressAtProvider(
  ctx: RequestContext,
  { provider, purpose }: AttemptStart,
  attempt: { id: string; state: string; nonce: string; codeVerifier: string; redirectUri: string },
  origin: string,
): Promise<string> {
  try {
    if (provider.kind === 'github') return await beginGithub(provider, attempt);
    if (provider.kind === 'saml' && provider.connection) {
      const key = provider.connection.signs_requests ? await openOwnKey(ctx.services, provider.connection) : null;
      return await beginSaml(provider, origin, attempt, purpose === 'step-up', key);
    }
    return await beginOidc(provider, ctx.services, attempt, purpose);
  } catch (error) {
    throw toSignOnError(error);
  }
}

/** takeAttempt uses the attempt up; null for another browser, another provider, a second time, or too late. */
export async function takeAttempt(
  tx: Tx,
  answer: { readonly provider: string; readonly state: string; readonly browser: string },
): Promise<AttemptRow | null> {
  const [row] = await tx.query<AttemptRow>({
    text: `delete from auth.sign_on_attempts
           where state_hash = $1 and browser_hash = $2 and provider = $3 and expires_at > now() returning ${columns}`,
    values: [hashToken(answer.state), hashToken(answer.browser), answer.provider],
  });
  return row ?? null;
}

/** findSamlAttempt finds what a SAML answer with this RelayState belongs to, unless it was answered already. */
export async function findSamlAttempt(tx: Tx, state: string): Promise<AttemptRow | null> {
  const [row] = await tx.query<AttemptRow>({
    text: `select ${columns} from auth.sign_on_attempts
           where state_hash = $1 and connection_id is not null and profile is null and expires_at > now()`,
    values: [hashToken(state)],
  });
  return row ?? null;
}

/** keepProfile stores what a verified assertion said until the browser comes; false when another was faster. */
export async function keepProfile(tx: Tx, attemptId: string, profile: ProviderProfile): Promise<boolean> {
  const rows = await tx.query({
    text: 'update auth.sign_on_attempts set profile = $2 where id = $1 and profile is null returning id',
    values: [attemptId, JSON.stringify(profile)],
  });
  return rows.length > 0;
}

/** useProofOnce remembers a proof until it ends by itself; false when it was there already. */
export async function useProofOnce(tx: Tx, proof: string, expiresAt: Date): Promise<boolean> {
  await tx.query({ text: 'delete from auth.sign_on_seen where expires_at < now()' });
  const rows = await tx.query({
    text: `insert into auth.sign_on_seen (proof_hash, expires_at) values ($1, $2)
           on conflict do nothing returning proof_hash`,
    values: [hashToken(proof), expiresAt],
  });
  return rows.length > 0;
}
