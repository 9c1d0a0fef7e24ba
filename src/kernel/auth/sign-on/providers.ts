/** Finds who may say who a person is: what the operator configured for everybody, or what an organisation connected. */
import type { Services } from '#kernel/app';
import type { Config } from '#kernel/config';
import type { Tx } from '#kernel/db';
import { isId } from '#kernel/ids';
import { placeIn, type SecretPlace } from '#kernel/secrets';
import { clientSecretColumn } from '../sealed-columns.ts';
import { appleIssuer } from './apple.ts';
import { signOnErrors } from './errors.ts';
import type { Provider, SsoConnectionRow } from './types.ts';

/** listProviders is what the settings offer, in the order of the buttons. */
export function listProviders(config: Config): Provider[] {
  const common = { connection: null };
  const { googleClientId, githubClientId, appleClientId } = config;
  const list: Provider[] = [];
  if (appleClientId !== undefined) {
    const names = { id: 'apple', title: 'Apple', kind: 'apple' } as const;
    list.push({ ...common, ...names, issuer: appleIssuer, clientId: appleClientId, clientSecret: undefined });
  }
  if (googleClientId !== undefined) {
    const names = { id: 'google', title: 'Google', kind: 'google', issuer: 'https://accounts.google.com' } as const;
    list.push({ ...common, ...names, clientId: googleClientId, clientSecret: config.googleClientSecret });
  }
  if (githubClientId !== undefined) {
    const names = { id: 'github', title: 'GitHub', kind: 'github', issuer: config.githubUrl } as const;
    list.push({ ...common, ...names, clientId: githubClientId, clientSecret: config.githubClientSecret });
  }
  return [...list, ...config.signOnOidc.map((setting) => ({ ...common, ...setting, kind: 'oidc' as const }))];
}

/** secretPlace names where a connection's client secret is kept, which the ciphertext is bound to. */
export function secretPlace(tenantId: string, rowId: string): SecretPlace {
  return placeIn(clientSecretColumn, tenantId, rowId);
}

/** readConnectionRow needs the auth role; null when there is none. */
export async function readConnectionRow(tx: Tx, connectionId: string): Promise<SsoConnectionRow | null> {
  const [row] = await tx.query<SsoConnectionRow>({
    name: 'auth-sso-connection',
    text: 'select * from auth.sso_connections where id = $1',
    values: [connectionId],
  });
  return row ?? null;
}

/** toProvider opens the connection's secret, in a transaction of its own. */
export async function toProvider(
  { db, secrets }: Pick<Services, 'db' | 'secrets'>,
  row: SsoConnectionRow,
): Promise<Provider> {
  const { tenant_id: tenantId, client_secret_ciphertext: ciphertext } = row;
  const clientSecret =
    ciphertext === null
      ? undefined
      : await db.withTenant({ tenantId }, (tx) => secrets.open(tx, secretPlace(tenantId, row.id), ciphertext));
  return {
    id: row.id,
    title: row.name,
    kind: row.kind,
    issuer: row.issuer,
    clientId: row.client_id ?? '',
    clientSecret,
    connection: row,
  };
}

/** findProvider throws SIGN_ON_UNKNOWN_PROVIDER for what nobody offers. */
export async function findProvider(services: Services, id: string): Promise<Provider> {
  const configured = listProviders(services.config).find((provider) => provider.id === id);
  if (configured) return configured;
  const row = isId(id) ? await services.db.withAuth((tx) => readConnectionRow(tx, id)) : null;
  if (!row) throw signOnErrors.SIGN_ON_UNKNOWN_PROVIDER();
  return toProvider(services, row);
}
