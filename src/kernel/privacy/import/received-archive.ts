/** An archive on its way in lies in storage in pieces that follow each other without a gap, whoever sends them and however often. */
import { Readable } from 'node:stream';
import type { Services } from '#kernel/app';
import type { Config } from '#kernel/config';
import type { TenantScope, Tx } from '#kernel/db';
import { privacyErrors } from '../errors.ts';

/** partBytes is the size of every piece but the last: small enough for any proxy and any line, large enough to be few. */
export const partBytes = 8 * 1_048_576;

/** archiveMaxBytes is how large an archive may be, packed, and what is read of it, unpacked. */
export const archiveMaxBytes = ({ importMaxMb }: Pick<Config, 'importMaxMb'>): number => importMaxMb * 1_048_576;

/** Arriving is how far an announced archive is. */
export interface Arriving {
  readonly state: string;
  readonly sizeBytes: number;
  readonly receivedBytes: number;
}

/** expectedBytes is how large the piece at `firstByte` is. Throws IMPORT_PART_MISPLACED when another one comes next. */
export function expectedBytes({ state, sizeBytes, receivedBytes }: Arriving, firstByte: number): number {
  if (state !== 'receiving' || firstByte !== receivedBytes)
    throw privacyErrors.IMPORT_PART_MISPLACED({ extensions: { receivedBytes } });
  return Math.min(partBytes, sizeBytes - firstByte);
}

interface PartRow {
  object_id: string;
}

/** listPieces are the objects of an archive in their order; the one that was uploaded whole has no pieces. */
async function listPieces(tx: Tx, { tenantId }: TenantScope, importId: string): Promise<string[]> {
  const rows = await tx.query<PartRow>({
    text: `select object_id from kernel.imports where tenant_id = $1 and id = $2 and object_id is not null
           union all
           (select object_id from kernel.import_parts where tenant_id = $1 and import_id = $2 order by first_byte)`,
    values: [tenantId, importId],
  });
  return rows.map((row) => row.object_id);
}

/** openPieces reads the whole archive, piece after piece; null when none of it is there. */
export async function openPieces(
  { db, storage }: Services,
  scope: TenantScope,
  importId: string,
): Promise<Readable | null> {
  const ids = await db.withTenant(scope, (tx) => listPieces(tx, scope, importId));
  if (ids.length === 0) return null;
  return Readable.from(
    (async function* () {
      for (const id of ids) yield* await storage.read(scope, id);
    })(),
    { objectMode: false },
  );
}

/** dropPieces removes the archive, which has been read or will not be. */
export async function dropPieces({ storage }: Services, tx: Tx, scope: TenantScope, importId: string): Promise<void> {
  for (const id of await listPieces(tx, scope, importId)) await storage.remove(tx, id);
  await tx.query({
    text: 'delete from kernel.import_parts where tenant_id = $1 and import_id = $2',
    values: [scope.tenantId, importId],
  });
}
