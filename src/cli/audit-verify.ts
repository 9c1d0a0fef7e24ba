/** `bulkhead audit verify` walks every organisation's audit trail and names each one that was tampered with (K7.2). */
import { parseArgs } from 'node:util';
import { createAuditLog, type AuditVerdict } from '#kernel/audit';
import { currentEnvironment, loadConfig } from '#kernel/config';
import { openDatabase } from '#kernel/db';
import { createLogger } from '#kernel/log';
import { migrationSources } from '../migration-sources.ts';

const meanings: Record<NonNullable<AuditVerdict['reason']>, string> = {
  changed: 'is not what was written',
  missing: 'is missing',
  truncated: 'and what followed it are gone',
  inserted: 'was not written by Bulkhead',
};

/**
 * run prints one line per broken trail and a sum, or with `--json` an array of verdicts. Resolves to 1 when one is broken.
 * An embedded database must not be in use by a running server.
 */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' } } });
  const { config } = loadConfig(currentEnvironment());
  const db = await openDatabase({ config, log: createLogger({ level: 'silent' }), migrations: migrationSources });
  try {
    const verdicts: (AuditVerdict & { readonly tenantId: string })[] = [];
    for await (const verdict of createAuditLog({ db }).verifyAll()) verdicts.push(verdict);
    const broken = verdicts.filter(({ brokenAt }) => brokenAt !== null);
    if (values.json) {
      console.log(JSON.stringify(verdicts, null, 2));
    } else {
      for (const { tenantId, brokenAt, reason } of broken) {
        console.log(`${tenantId}  record ${brokenAt} ${meanings[reason ?? 'changed']}`);
      }
      const records = verdicts.reduce((sum, { checked }) => sum + checked, 0);
      console.log(`${verdicts.length} trails, ${records} records fit, ${broken.length} trails broken`);
    }
    return broken.length > 0 ? 1 : 0;
  } finally {
    await db.close();
  }
}
