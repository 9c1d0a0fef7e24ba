/** `bulkhead audit verify` walks every organisation's audit trail and names each one that was tampered with (K7.2). */
import { parseArgs } from 'node:util';
import { createAuditLog, type AuditHead, type AuditLog, type AuditVerdict } from '#kernel/audit';
import { currentEnvironment, loadConfig } from '#kernel/config';
import { visitDatabase } from '#kernel/db';
import { createLogger } from '#kernel/log';
import { explainOtherVersion } from './explain-other-version.ts';
import { compareKeptHeads, renewKeptHeads, type LostHead } from './kept-heads.ts';

type Verdict = AuditVerdict & { readonly tenantId: string };

const meanings: Record<NonNullable<AuditVerdict['reason']>, string> = {
  changed: 'is not what was written',
  missing: 'is missing',
  truncated: 'and what followed it are gone',
  inserted: 'was not written by Bulkhead',
};

const losses: Record<LostHead['state'], string> = {
  changed: 'is another than it was',
  truncated: 'and what followed it are gone',
  gone: 'is gone with its whole trail; that is right only if the organisation was deleted since',
};

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** verifyWithHeads compares with the heads kept in the file, and keeps those of now there. */
async function verifyWithHeads(audit: AuditLog, path: string | undefined): Promise<[Verdict[], LostHead[]]> {
  if (path === undefined) return [await collect(audit.verifyAll()), []];
  const lost = await compareKeptHeads(audit, path);
  // Read before the walk, which then covers them.
  const heads: AuditHead[] = await collect(audit.readHeads());
  const verdicts = await collect(audit.verifyAll());
  const broken = [
    ...verdicts.filter(({ brokenAt }) => brokenAt !== null),
    ...lost.filter(({ state }) => state !== 'gone'),
  ];
  renewKeptHeads(path, heads, new Set(broken.map(({ tenantId }) => tenantId)));
  return [verdicts, lost];
}

function print(verdicts: readonly Verdict[], lost: readonly LostHead[]): void {
  const broken = verdicts.filter(({ brokenAt }) => brokenAt !== null);
  for (const { tenantId, brokenAt, reason } of broken) {
    console.log(`${tenantId}  record ${brokenAt} ${meanings[reason ?? 'changed']}`);
  }
  for (const { tenantId, sequence, state, takenAt } of lost)
    console.log(`${tenantId}  record ${sequence}, its end on ${takenAt}, ${losses[state]}`);
  const records = verdicts.reduce((sum, { checked }) => sum + checked, 0);
  const anonymised = verdicts.reduce((sum, verdict) => sum + (verdict.anonymised ?? 0), 0);
  const nameless = anonymised > 0 ? ` (${anonymised} of them anonymised by erasures)` : '';
  const compared = lost.length > 0 ? `, ${lost.length} ends lost` : '';
  console.log(
    `${verdicts.length} trails, ${records} records fit${nameless}, ${broken.length} trails broken${compared}`,
  );
}

/**
 * run prints one line per broken trail and a sum, or with `--json` an array of verdicts. Resolves to 1 when one is broken.
 * With `--heads <file>` it also compares with the ends of the trails that the file keeps, then keeps those of now there.
 * In the database it only looks: the server may go on, nothing is migrated and every write would be refused.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { json: { type: 'boolean' }, heads: { type: 'string' } },
  });
  const { config } = loadConfig(currentEnvironment());
  const db = await visitDatabase({ config, log: createLogger({ level: 'silent' }), isReadOnly: true });
  try {
    const [verdicts, lost] = await explainOtherVersion(() => verifyWithHeads(createAuditLog({ db }), values.heads));
    if (values.json) {
      const lostOf = (id: string) => lost.filter(({ tenantId }) => tenantId === id);
      const gone = lost.filter(({ tenantId }) => !verdicts.some((verdict) => verdict.tenantId === tenantId));
      const shown = verdicts.map((verdict) => {
        const [head] = lostOf(verdict.tenantId);
        return head ? { ...verdict, lostHead: head } : verdict;
      });
      console.log(
        JSON.stringify([...shown, ...gone.map((head) => ({ tenantId: head.tenantId, lostHead: head }))], null, 2),
      );
    } else {
      print(verdicts, lost);
    }
    return lost.length > 0 || verdicts.some(({ brokenAt }) => brokenAt !== null) ? 1 : 0;
  } finally {
    await db.close();
  }
}
