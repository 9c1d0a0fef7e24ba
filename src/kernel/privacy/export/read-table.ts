/** Reads a table row by row through a cursor, under the rights of the person whose copy it is. */
import type { Instant, Tx } from '#kernel/db';
import type { TableNote } from '../types.ts';

/** TableSource is one table of a copy: where from, and as whom. */
export interface TableSource {
  /** With schema, `app_agents.messages`. */
  readonly table: string;
  readonly note: Exclude<TableNote, { readonly holds: 'machinery' }>;
  /** The organisation the rows are read in; null for the account, which is in none. */
  readonly tenantId: string | null;
  readonly userId: string;
}

export type Row = Readonly<Record<string, unknown>>;

const batchSize = 500;

/** conditionOf limits what row-level security would limit anyway; the database decides with both. */
function conditionOf({ note, tenantId, userId }: TableSource): { where: string; values: unknown[] } {
  switch (note.holds) {
    case 'organisation':
      return { where: 'tenant_id = $1', values: [tenantId] };
    case 'person':
      return { where: 'owner_id = $1', values: [userId] };
    case 'account':
      return { where: `${note.by} = $1`, values: [userId] };
  }
}

/** readColumns lists the columns that are handed out, in their order. */
export async function readColumns(tx: Tx, { table, note }: TableSource): Promise<string[]> {
  const rows = await tx.query<{ name: string }>({
    text: `select a.attname::text as name from pg_attribute a
           where a.attrelid = $1::regclass and a.attnum > 0 and not a.attisdropped
             and a.atttypid <> 'tsvector'::regtype and a.atttypid <> 'bytea'::regtype
           order by a.attnum`,
    values: [table],
  });
  const omitted = new Set(note.omit ?? []);
  return rows.map((row) => row.name).filter((name) => !omitted.has(name));
}

/** within opens the transaction in which a table may be read. */
function within<T>(db: Instant, source: TableSource, work: (tx: Tx) => Promise<T>): Promise<T> {
  if (source.tenantId === null) return db.withAuth(work);
  return db.withTenant({ tenantId: source.tenantId, userId: source.userId }, work);
}

/** countRows says how many rows readTable will yield. */
export async function countRows(db: Instant, source: TableSource): Promise<number> {
  const { where, values } = conditionOf(source);
  const [row] = await within(db, source, (tx) =>
    tx.query<{ count: string }>({ text: `select count(*) from ${source.table} where ${where}`, values }),
  );
  return Number(row?.count ?? 0);
}

/** Shuttle hands rows from the transaction that reads them to the stream that wants them, one batch at a time. */
class Shuttle {
  #rows: readonly Row[] | null = null;
  #error: unknown;
  #isOver = false;
  #wakeReader: () => void = () => undefined;
  #wakeWriter: () => void = () => undefined;

  /** Resolves when the batch was taken; rejects when nobody wants more. */
  async give(rows: readonly Row[]): Promise<void> {
    if (this.#isOver) throw new Error('nobody reads on');
    this.#rows = rows;
    this.#wakeReader();
    await new Promise<void>((resolve) => (this.#wakeWriter = resolve));
    if (this.#isOver) throw new Error('nobody reads on');
  }

  end(error?: unknown): void {
    this.#error = error;
    this.#isOver = true;
    this.#wakeReader();
    this.#wakeWriter();
  }

  async *read(): AsyncGenerator<Row> {
    try {
      for (;;) {
        while (this.#rows === null && !this.#isOver) await new Promise<void>((resolve) => (this.#wakeReader = resolve));
        if (this.#rows === null) break;
        yield* this.#rows;
        this.#rows = null;
        this.#wakeWriter();
      }
      if (this.#error) throw this.#error;
    } finally {
      this.end(this.#error);
    }
  }
}

/**
 * readTable yields every row of the table that is the person's, as it was at the instant, in bounded memory. Columns hold
 * what node-postgres makes of them; times are Dates.
 */
export async function* readTable(db: Instant, source: TableSource): AsyncGenerator<Row> {
  const shuttle = new Shuttle();
  const reading = within(db, source, async (tx) => {
    const columns = await readColumns(tx, source);
    const { where, values } = conditionOf(source);
    const list = columns.map((name) => `"${name}"`).join(', ');
    await tx.query({
      text: `declare copy_of_rows no scroll cursor for select ${list} from ${source.table} where ${where}`,
      values,
    });
    for (;;) {
      const rows = await tx.query<Row>({ text: `fetch ${batchSize} from copy_of_rows` });
      if (rows.length === 0) return;
      await shuttle.give(rows);
    }
  }).then(
    () => shuttle.end(),
    (error: unknown) => shuttle.end(error),
  );
  yield* shuttle.read();
  await reading;
}
