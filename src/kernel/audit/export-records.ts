/** An export holds a few hundred records in memory however many there are, and no cell of it is run by a spreadsheet. */
import { pipeline, Readable } from 'node:stream';
import { stringify } from 'csv-stringify';
import type { Database, TenantScope } from '#kernel/db';
import type { AuditFilters, AuditRecord } from './contract.ts';
import { readNames, readRecords, toRecord, type RecordRow } from './read-records.ts';

export interface ExportOptions {
  readonly db: Pick<Database, 'withTenant' | 'withAuth'>;
  readonly scope: TenantScope;
  readonly filters: AuditFilters;
  readonly format: 'csv' | 'ndjson';
}

type ExportedRecord = AuditRecord & { readonly row: RecordRow };

const recordsPerBatch = 500;

/** listAll reads batch by batch, each in a transaction of its own, up to the records there were at the beginning. */
async function* listAll({ db, scope, filters }: ExportOptions): AsyncGenerator<ExportedRecord> {
  const [newest] = await db.withTenant(scope, (tx) =>
    readRecords(tx, scope.tenantId, { filters, order: 'newest-first', after: null, limit: 1 }),
  );
  const end = BigInt(newest?.sequence ?? 0);
  let after: string | null = null;
  for (;;) {
    const from: string | null = after;
    const rows: RecordRow[] = await db.withTenant(scope, (tx) =>
      readRecords(tx, scope.tenantId, { filters, order: 'oldest-first', after: from, limit: recordsPerBatch }),
    );
    const names = await readNames(
      db,
      rows.map((row) => row.actor_user_id),
    );
    for (const row of rows) {
      if (BigInt(row.sequence) > end) return;
      yield { ...toRecord(row, names), row };
    }
    const last = rows.at(-1);
    if (!last || rows.length < recordsPerBatch) return;
    after = last.sequence;
  }
}

/** One object per line, with the facts that the chain's hash covers, so that whoever holds it can check it. */
async function* toLines(options: ExportOptions): AsyncGenerator<string> {
  for await (const { actor, row, ...record } of listAll(options)) {
    const line = {
      ...record,
      form: row.form,
      salt: row.salt?.toString('hex') ?? null,
      seals: row.seals,
      tenantId: options.scope.tenantId,
      actorKind: actor.kind,
      actorUserId: actor.userId,
      actorName: actor.name,
      actorVia: actor.via,
    };
    yield `${JSON.stringify(line)}\n`;
  }
}

async function* toCells(options: ExportOptions): AsyncGenerator<Record<string, string | number | null>> {
  for await (const { actor, details, anonymised, row: _row, ...record } of listAll(options)) {
    yield {
      ...record,
      details: JSON.stringify(details),
      anonymisedAt: anonymised?.at ?? null,
      actorKind: actor.kind,
      actorUserId: actor.userId,
      actorName: actor.name,
      actorVia: actor.via,
    };
  }
}

const columns =
  'sequence occurredAt action resource actorKind actorName actorUserId actorVia address device requestId details anonymisedAt id hash'.split(
    ' ',
  );

/** streamExport gives the bytes as they are asked for; destroying the stream ends the reading. */
export function streamExport(options: ExportOptions): Readable {
  if (options.format === 'ndjson') return Readable.from(toLines(options), { objectMode: false });
  // A cell that begins with = + - @ or a control character gets an apostrophe before it, or a spreadsheet would run it.
  const csv = stringify({ header: true, columns, escape_formulas: true, bom: true, record_delimiter: 'windows' });
  // Whoever reads `csv` hears of a failure there; pipeline makes sure that each side ends with the other.
  return pipeline(Readable.from(toCells(options)), csv, () => undefined);
}
