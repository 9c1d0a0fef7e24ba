/** A file with the heads of audit trails, kept where whoever may write to the database may not write. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { z } from 'zod';
import type { AuditHead, AuditLog, HeadState } from '#kernel/audit';

const keptFile = z.strictObject({
  heads: z.array(
    z.strictObject({
      takenAt: z.iso.datetime(),
      tenantId: z.uuid(),
      sequence: z.string().regex(/^[1-9]\d{0,18}$/),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
    }),
  ),
});

type KeptHead = z.output<typeof keptFile>['heads'][number];

/** LostHead is a head of the file that the trail no longer goes through. */
export interface LostHead extends KeptHead {
  readonly state: Exclude<HeadState, 'kept'>;
}

/** readKeptHeads gives what the file holds; nothing when there is none yet. Throws a sentence when it is something else. */
function readKeptHeads(path: string): KeptHead[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
  try {
    return keptFile.parse(JSON.parse(text)).heads;
  } catch (error) {
    throw new Error(`${path} is not a file of heads that this command wrote. It is left as it is.`, { cause: error });
  }
}

/** compareKeptHeads gives the heads of the file that are lost; none when there is no file yet. */
export async function compareKeptHeads(audit: AuditLog, path: string): Promise<LostHead[]> {
  const lost: LostHead[] = [];
  for (const head of readKeptHeads(path)) {
    const state = await audit.compareHead(head);
    if (state !== 'kept') lost.push({ ...head, state });
  }
  return lost;
}

/**
 * renewKeptHeads replaces the file. A trail in `broken` keeps the head it had, so that it is reported until it is
 * repaired; one that is gone is reported once.
 */
export function renewKeptHeads(path: string, heads: readonly AuditHead[], broken: ReadonlySet<string>): void {
  const takenAt = new Date().toISOString();
  const all: KeptHead[] = [
    ...heads.filter(({ tenantId }) => !broken.has(tenantId)).map((head) => ({ ...head, takenAt })),
    ...readKeptHeads(path).filter(({ tenantId }) => broken.has(tenantId)),
  ];
  const aside = `${path}.new`;
  writeFileSync(aside, `${JSON.stringify({ heads: all }, null, 2)}\n`, {
    mode: 0o600,
  });
  renameSync(aside, path);
}
