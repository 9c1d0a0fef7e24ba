/** What identity stores sealed: these columns and no others, so that a renewal of data keys reaches all of it. */
import type { SealedColumn } from '#kernel/secrets';

/** totpColumn is the secret shared with an authenticator app, under the key of the personal organisation. */
export const totpColumn: SealedColumn = {
  table: 'auth.second_factors',
  column: 'totp_secret',
  rowIdColumn: 'user_id',
  tenantOf: '(select o.id from auth.organizations o where o.personal_user_id = t.user_id)',
  door: 'auth',
};

/** clientSecretColumn is the secret of an organisation at its OpenID Connect provider. */
export const clientSecretColumn: SealedColumn = {
  table: 'auth.sso_connections',
  column: 'client_secret_ciphertext',
  rowIdColumn: 'id',
  tenantOf: 't.tenant_id',
  door: 'auth',
};

/** samlKeyColumn is our private key for an organisation's SAML provider. */
export const samlKeyColumn: SealedColumn = { ...clientSecretColumn, column: 'private_key_ciphertext' };

/** idTokenColumn is what an organisation's provider asks for when somebody signs out. */
export const idTokenColumn: SealedColumn = {
  table: 'auth.sso_sessions',
  column: 'id_token_ciphertext',
  rowIdColumn: 'id',
  tenantOf: 't.tenant_id',
  door: 'auth',
};

/** authSealedColumns are all of identity's. */
export const authSealedColumns: readonly SealedColumn[] = [
  totpColumn,
  clientSecretColumn,
  samlKeyColumn,
  idTokenColumn,
];
