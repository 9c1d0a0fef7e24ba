/**
 * Providers that post their answer reach us without any cookie. What they bring is checked or carried on, and the browser
 * is sent to a page of ours, which comes back with its cookie: nobody is signed in by another site's form.
 */
import type { RequestContext, RedirectAnswer } from '#kernel/http';
import { publicOrigin } from './addresses.ts';
import { findSamlAttempt, keepProfile, useProofOnce } from './attempts.ts';
import { signOnErrors } from './errors.ts';
import { noteFailure } from './finish.ts';
import { reasonOf, toSignOnError } from './provider-failure.ts';
import { readConnectionRow } from './providers.ts';
import { verifySaml } from './saml.ts';
import { openOwnKey } from './saml-key.ts';
import type { Provider, SsoConnectionRow } from './types.ts';

const redirectTo = (path: string): RedirectAnswer => ({ kind: 'redirect', path });
const problemPath = (code: string) => redirectTo(`/sign-in?problem=${code}`);

/** receiveApple carries Apple's fields over to the page; they prove nothing until the code is exchanged. */
export function receiveApple(fields: Readonly<Record<string, string | undefined>>): RedirectAnswer {
  const query = new URLSearchParams();
  for (const name of ['state', 'code', 'error', 'user']) {
    const value = fields[name];
    if (value !== undefined) query.set(name, value);
  }
  return redirectTo(`/sign-on/apple?${query.toString()}`);
}

function asProvider(connection: SsoConnectionRow): Provider {
  const { id, name: title, issuer } = connection;
  return { id, title, kind: 'saml', issuer, clientId: '', clientSecret: undefined, connection };
}

/** receiveSaml verifies an assertion and keeps what it says for the browser that asked; it signs nobody in. */
export async function receiveSaml(ctx: RequestContext, response: string, relayState: string): Promise<RedirectAnswer> {
  const { db, log } = ctx.services;
  const found = await db.withAuth(async (tx) => {
    const attempt = await findSamlAttempt(tx, relayState);
    const connection = attempt?.connection_id ? await readConnectionRow(tx, attempt.connection_id) : null;
    return attempt && connection?.kind === 'saml' ? { attempt, connection } : null;
  });
  // Without a request of ours there is nobody to tell: started elsewhere, too late, or not asked for at all.
  if (!found) return problemPath('SIGN_ON_EXPIRED');
  const { attempt, connection } = found;
  try {
    const verified = await verifySaml(connection, attempt, publicOrigin(ctx), response, () =>
      openOwnKey(ctx.services, connection),
    );
    await db.withAuth(async (tx) => {
      const isFirst =
        (await useProofOnce(tx, verified.proof, verified.expiresAt)) &&
        (await keepProfile(tx, attempt.id, verified.profile));
      if (!isFirst) throw signOnErrors.SIGN_ON_EXPIRED({ internal: 'the assertion was used already' });
    });
    return redirectTo(`/sign-on/${connection.id}?${new URLSearchParams({ state: relayState }).toString()}`);
  } catch (error) {
    const failure = toSignOnError(error);
    log.info({ reason: reasonOf(error), connectionId: connection.id }, 'a SAML answer was refused');
    noteFailure(ctx, asProvider(connection), failure);
    return problemPath(failure.code);
  }
}
