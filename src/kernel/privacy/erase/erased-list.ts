/**
 * Who was erased stays erased when a backup from before is restored: a list beside the backups knows their ids by digest
 * alone, and whoever is found again at a start is erased again.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Services } from '#kernel/app';
import type { Config } from '#kernel/config';
import { backupFolder } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { DueErasure } from './erase.ts';

const erasedLine = z.strictObject({
  kind: z.enum(['person', 'organisation']),
  /** SHA-256 of the id: says nothing to whoever does not have it already. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  certificateId: z.uuid(),
  requestedAt: z.iso.datetime(),
});
type ErasedLine = z.infer<typeof erasedLine>;

/** erasedListPath is where the list is kept; it belongs wherever backups are copied to. */
export const erasedListPath = (config: Config): string => join(backupFolder(config), 'erased.jsonl');

/** noteErased adds somebody to the list; it is on the disk when this resolves. */
export async function noteErased(config: Config, due: DueErasure): Promise<void> {
  const line: ErasedLine = {
    kind: due.kind,
    digest: createHash('sha256').update(due.subjectId).digest('hex'),
    certificateId: due.certificateId,
    requestedAt: due.requestedAt.toISOString(),
  };
  await mkdir(backupFolder(config), { recursive: true, mode: 0o700 });
  const file = await open(erasedListPath(config), 'a', 0o600);
  try {
    // The line end before it parts it from half a line that a crash left.
    await file.appendFile(`\n${JSON.stringify(line)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function readErased(config: Config): Promise<ErasedLine[]> {
  const text = await readFile(erasedListPath(config), 'utf8').catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').flatMap((line) => {
    try {
      return line === '' ? [] : [erasedLine.parse(JSON.parse(line))];
    } catch {
      return []; // half a line, of a process that was killed as it wrote: it erased nobody
    }
  });
}

const tables = { person: 'auth.users', organisation: 'auth.organizations' } as const;

/** reapplyErasures asks again for the end of whoever is on the list and in the database; returns how many. */
export async function reapplyErasures({ db, config, log }: Services): Promise<number> {
  const erased = await readErased(config);
  let found = 0;
  for (const kind of ['person', 'organisation'] as const) {
    const lines = new Map(erased.filter((line) => line.kind === kind).map((line) => [line.digest, line]));
    if (lines.size === 0) continue;
    found += await db.withAuth(async (tx) => {
      const rows = await tx.query<{ id: string; digest: string }>({
        text: `select id, digest from (
                 select id, encode(sha256(convert_to(id::text, 'UTF8')), 'hex') as digest from ${tables[kind]}) known
               where digest = any($1)`,
        values: [[...lines.keys()]],
      });
      for (const { id, digest } of rows) {
        const line = lines.get(digest);
        await tx.query({
          text: `insert into kernel.erasures (id, kind, subject_id, certificate_id, requested_at, due_at)
                 values ($1, $2, $3, $4, $5, now()) on conflict (kind, subject_id) do update set due_at = now()`,
          values: [newId(), kind, id, line?.certificateId, line?.requestedAt],
        });
      }
      return rows.length;
    });
  }
  if (found > 0) log.warn({ found }, 'a restored backup brought back who had been erased; they are erased again');
  return found;
}
