/** Which sessions here came from which session at an organisation's provider, so that the one can end the other. */
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { placeIn } from '#kernel/secrets';
import { idTokenColumn } from '../sealed-columns.ts';
import { announce } from '../session-store.ts';
import type { Logout } from './logout-token.ts';
import type { Provider, ProviderProfile, SsoConnectionRow } from './types.ts';

type Parts = Pick<Services, 'db' | 'secrets'>;

/** A longer one would not fit into the address that it is sent with. */
const maxIdTokenLength = 6_000;

const placeOf = (tenantId: string, rowId: string) => placeIn(idTokenColumn, tenantId, rowId);

/** SsoSession is a session at the provider that a sign-in came from. */
export interface SsoSession {
  readonly id: string;
  readonly subject: string;
  readonly providerSession: string | null;
  readonly idTokenCiphertext: string | null;
}

/** prepareSsoSession seals what has to be kept, in a transaction of its own; null for providers that can end nothing here. */
export async function prepareSsoSession(
  { db, secrets }: Parts,
  { connection }: Provider,
  profile: ProviderProfile,
): Promise<SsoSession | null> {
  if (connection?.kind !== 'oidc') return null;
  const id = newId();
  const { subject, session } = profile;
  const { idToken = null, id: providerSession = null } = session ?? {};
  const { tenant_id: tenantId } = connection;
  const isKept = connection.signs_out_at_provider && idToken !== null && idToken.length <= maxIdTokenLength;
  const idTokenCiphertext = isKept
    ? await db.withTenant({ tenantId }, (tx) => secrets.seal(tx, placeOf(tenantId, id), idToken))
    : null;
  return { id, subject, providerSession, idTokenCiphertext };
}

/** insertSsoSession notes it before there is a session here; those that never got one go after an hour. */
export async function insertSsoSession(tx: Tx, connection: SsoConnectionRow, session: SsoSession): Promise<void> {
  await tx.query({
    text: `delete from auth.sso_sessions where session_id is null and created_at < now() - interval '1 hour'`,
  });
  await tx.query({
    text: `insert into auth.sso_sessions (id, tenant_id, connection_id, subject, provider_session, id_token_ciphertext)
           values ($1, $2, $3, $4, $5, $6)`,
    values: [
      session.id,
      connection.tenant_id,
      connection.id,
      session.subject,
      session.providerSession,
      session.idTokenCiphertext,
    ],
  });
}

/** bindSsoSession says which session here came of it. */
export async function bindSsoSession(tx: Tx, id: string, sessionId: string): Promise<void> {
  await tx.query({ text: 'update auth.sso_sessions set session_id = $2 where id = $1', values: [id, sessionId] });
}

/** endFromProvider ends the sessions, and the sign-ins under way, that a logout names; returns the ids of the sessions. */
export async function endFromProvider(tx: Tx, connection: SsoConnectionRow, logout: Logout): Promise<string[]> {
  const origins = await tx.query<{ session_id: string | null }>({
    text: `delete from auth.sso_sessions where tenant_id = $1 and connection_id = $2
             and ($3::text is null or subject = $3) and ($4::text is null or provider_session = $4) returning session_id`,
    values: [connection.tenant_id, connection.id, logout.subject, logout.providerSession],
  });
  const ids = origins.map(({ session_id: id }) => id).filter((id) => id !== null);
  await tx.query({ text: 'delete from auth.sessions where id = any($1::uuid[])', values: [ids] });
  for (const id of ids) await announce(tx, `session:${id}`);
  return ids;
}

/** SignOutWay is what signing out at the provider takes. */
export interface SignOutWay {
  readonly connectionId: string;
  readonly idToken: string | null;
}

/** readSignOutWay is null where signing out here is all there is to it. */
export async function readSignOutWay({ db, secrets }: Parts, sessionId: string): Promise<SignOutWay | null> {
  const [row] = await db.withAuth((tx) =>
    tx.query<{ id: string; tenant_id: string; connection_id: string; sealed: string | null }>({
      text: `select s.id, s.tenant_id, s.connection_id, s.id_token_ciphertext as sealed from auth.sso_sessions s
             join auth.sso_connections c on c.tenant_id = s.tenant_id and c.id = s.connection_id and c.signs_out_at_provider
             where s.session_id = $1`,
      values: [sessionId],
    }),
  );
  if (!row) return null;
  const { id, tenant_id: tenantId, connection_id: connectionId, sealed } = row;
  const idToken =
    sealed === null ? null : await db.withTenant({ tenantId }, (tx) => secrets.open(tx, placeOf(tenantId, id), sealed));
  return { connectionId, idToken };
}
