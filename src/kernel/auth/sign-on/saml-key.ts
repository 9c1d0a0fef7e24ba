/** Our own SAML key for a connection: made once, whoever asks first; the private part is sealed and never answered. */
import type { Services } from '#kernel/app';
import { placeIn } from '#kernel/secrets';
import { samlKeyColumn } from '../sealed-columns.ts';
import { readConnectionRow } from './providers.ts';
import { createSelfSigned, type OwnKey } from './self-signed.ts';
import type { SsoConnectionRow } from './types.ts';

type Parts = Pick<Services, 'db' | 'secrets'>;

const placeOf = ({ id, tenant_id: tenantId }: Pick<SsoConnectionRow, 'id' | 'tenant_id'>) =>
  placeIn(samlKeyColumn, tenantId, id);

export interface SealedKey {
  readonly ciphertext: string;
  readonly certificate: string;
}

/** createSealedKey makes a key for a connection, in a transaction of its own. */
export async function createSealedKey(
  { db, secrets }: Parts,
  connection: Pick<SsoConnectionRow, 'id' | 'tenant_id'>,
): Promise<SealedKey> {
  const { privateKey, certificate } = await createSelfSigned('Bulkhead');
  const place = placeOf(connection);
  const ciphertext = await db.withTenant({ tenantId: place.tenantId }, (tx) => secrets.seal(tx, place, privateKey));
  return { ciphertext, certificate };
}

/** withOwnKey returns the connection with its key; one that was connected before there were any gets it now, once. */
export async function withOwnKey(parts: Parts, connection: SsoConnectionRow): Promise<SsoConnectionRow> {
  if (connection.kind !== 'saml' || connection.own_certificate !== null) return connection;
  const made = await createSealedKey(parts, connection);
  return parts.db.withAuth(async (tx) => {
    await tx.query({
      text: `update auth.sso_connections set private_key_ciphertext = $2, own_certificate = $3
             where id = $1 and own_certificate is null`,
      values: [connection.id, made.ciphertext, made.certificate],
    });
    return (await readConnectionRow(tx, connection.id)) ?? connection;
  });
}

/** openOwnKey opens the connection's key, making it first where there is none. */
export async function openOwnKey(parts: Parts, row: SsoConnectionRow): Promise<OwnKey> {
  const connection = await withOwnKey(parts, row);
  const { private_key_ciphertext: ciphertext, own_certificate: certificate, tenant_id: tenantId } = connection;
  if (ciphertext === null || certificate === null) throw new Error('the connection is gone');
  const place = placeOf(connection);
  const privateKey = await parts.db.withTenant({ tenantId }, (tx) => parts.secrets.open(tx, place, ciphertext));
  return { privateKey, certificate };
}
