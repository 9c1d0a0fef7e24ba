/** A certificate of deletion says what was deleted, in numbers; its digest lets a copy be checked by the server. */
import { createHmac, hkdfSync } from 'node:crypto';
import type { Services } from '#kernel/app';
import type { Anonymised } from '#kernel/audit';
import type { Tx } from '#kernel/db';
import type { DueErasure, Erased } from './erase.ts';

/** CertificateFacts is what a certificate states beyond its dates. */
export interface CertificateFacts {
  /** Rows deleted, by table. */
  readonly rows: Readonly<Record<string, number>>;
  /** Backups made before hold the data until they are deleted, after so many days at the latest. */
  readonly backupsKeptDays: number;
  /** What stays in organisations that others belong to. */
  readonly remains: readonly string[];
}

interface Certificate {
  readonly id: string;
  readonly kind: string;
  readonly requestedAt: string;
  readonly completedAt: string;
  readonly facts: CertificateFacts;
}

/** digestOf is HMAC-SHA256 over the canonical JSON, under a key derived (HKDF) from AUTH_SECRET for this alone. */
export function digestOf(authSecret: string, { id, kind, requestedAt, completedAt, facts }: Certificate): string {
  const key = Buffer.from(
    hkdfSync('sha256', Buffer.from(authSecret, 'base64'), '', 'bulkhead deletion certificate', 32),
  );
  const rows = Object.entries(facts.rows).sort(([a], [b]) => (a < b ? -1 : 1));
  const canonical = JSON.stringify([id, kind, requestedAt, completedAt, rows, facts.backupsKeptDays, facts.remains]);
  return createHmac('sha256', key).update(canonical).digest('base64url');
}

/** listRemains says what stays of a person, and what stays only because it could not be taken out. */
function listRemains({ places, kept }: Anonymised): string[] {
  const records = [...places.values()].reduce((sum, { length }) => sum + length, 0);
  return [
    ...(records > 0
      ? [
          `In the audit trails of organisations that others belong to: ${records} records of what was done and when. Who did it, or to whom it was done, from which address and with which device was taken out of them.`,
        ]
      : []),
    ...(kept > 0
      ? [
          `In the same trails: ${kept} records from before this server could take people out. They keep a random id that leads to nobody, and an address, until the retention of the trail ends them.`,
        ]
      : []),
    'Sums of use and cost, under another random id.',
  ];
}

/** writeCertificate keeps the certificate of an erasure, in its transaction. */
export async function writeCertificate(
  tx: Tx,
  { config }: Pick<Services, 'config'>,
  due: DueErasure,
  { erased, anonymised }: { readonly erased: Erased; readonly anonymised: Anonymised | null },
): Promise<void> {
  const facts: CertificateFacts = {
    rows: Object.fromEntries(erased),
    backupsKeptDays: config.backupKeepDays,
    remains: anonymised ? listRemains(anonymised) : [],
  };
  const certificate: Certificate = {
    id: due.certificateId,
    kind: due.kind,
    requestedAt: due.requestedAt.toISOString(),
    completedAt: new Date().toISOString(),
    facts,
  };
  await tx.query({
    text: `insert into kernel.deletion_certificates (id, kind, requested_at, completed_at, facts, digest)
           values ($1, $2, $3, $4, $5, $6) on conflict (id) do nothing`, // the first one stands
    values: [
      certificate.id,
      certificate.kind,
      certificate.requestedAt,
      certificate.completedAt,
      JSON.stringify(facts),
      digestOf(config.authSecret ?? '', certificate),
    ],
  });
}
