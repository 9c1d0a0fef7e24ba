/** The installation has one VAPID key pair for as long as it lives, whichever process asks first (RFC 8292). */
import webpush from 'web-push';
import type { Config } from '#kernel/config';
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { serverTenantId } from '#kernel/mail';
import { placeIn, type SealedColumn, type SecretBox } from '#kernel/secrets';

/** VapidKeys are base64url, as web-push wants them; `subject` says whom a push service may turn to. */
export interface VapidKeys {
  readonly publicKey: string;
  readonly privateKey: string;
  readonly subject: string;
}

interface Row {
  readonly id: string;
  readonly public_key: string;
  readonly private_key_ciphertext: string;
}

type VapidConfig = Pick<Config, 'vapidPublicKey' | 'vapidPrivateKey' | 'vapidSubject' | 'publicUrl' | 'mailFrom'>;

interface VapidOptions {
  readonly db: Pick<Database, 'withSystem'>;
  readonly secrets: SecretBox;
  readonly config: VapidConfig;
}

/** createVapidKeys returns the reader of the keys: those of the configuration, else the database's, made if need be. */
export function createVapidKeys({ db, secrets, config }: VapidOptions): () => Promise<VapidKeys> {
  const subject = subjectOf(config);
  let known: Promise<VapidKeys> | undefined;

  async function read(): Promise<VapidKeys> {
    const { vapidPublicKey: publicKey, vapidPrivateKey: privateKey } = config;
    if (publicKey !== undefined && privateKey !== undefined) return { publicKey, privateKey, subject };
    return db.withSystem('push keys', async (tx) => {
      const row = (await find(tx)) ?? (await make(tx, secrets));
      const place = placeOf(row.id);
      return {
        publicKey: row.public_key,
        privateKey: await secrets.open(tx, place, row.private_key_ciphertext),
        subject,
      };
    });
  }

  return () => {
    known ??= read().catch((error: unknown) => {
      known = undefined;
      throw error;
    });
    return known;
  };
}

const privateKeyColumn: SealedColumn = {
  table: 'kernel.vapid_keys',
  column: 'private_key_ciphertext',
  rowIdColumn: 'id',
  tenantOf: `'${serverTenantId}'::uuid`,
  door: 'system',
};

/** pushSealedColumns are the installation's private key. */
export const pushSealedColumns: readonly SealedColumn[] = [privateKeyColumn];

const placeOf = (rowId: string) => placeIn(privateKeyColumn, serverTenantId, rowId);

async function find(tx: Tx): Promise<Row | undefined> {
  const [row] = await tx.query<Row>({ text: 'select id, public_key, private_key_ciphertext from kernel.vapid_keys' });
  return row;
}

async function make(tx: Tx, secrets: SecretBox): Promise<Row> {
  const { publicKey, privateKey } = webpush.generateVAPIDKeys();
  const id = newId();
  await tx.query({
    text: `insert into kernel.vapid_keys (id, public_key, private_key_ciphertext) values ($1, $2, $3)
           on conflict ((true)) do nothing`,
    values: [id, publicKey, await secrets.seal(tx, placeOf(id), privateKey)],
  });
  // Whoever lost the race waited for the winner's commit and now reads the winner's pair.
  const row = await find(tx);
  if (!row) throw new Error('the push keys just made are not there');
  return row;
}

/** Push services of some makers refuse a subject that is neither https nor a real mailbox. */
function subjectOf({ vapidSubject, publicUrl, mailFrom }: VapidConfig): string {
  if (vapidSubject !== undefined) return vapidSubject;
  if (publicUrl?.startsWith('https://')) return new URL(publicUrl).origin;
  const address = mailFrom?.replace(/^.*<|>$/g, '');
  return `mailto:${address ?? 'bulkhead@localhost'}`;
}
