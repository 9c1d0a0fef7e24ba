/** The archive of a copy: one ZIP of one instant, written as it is read, whatever its size. */
import { once } from 'node:events';
import { Readable, Transform } from 'node:stream';
import yazl from 'yazl';
import type { Services } from '#kernel/app';
import type { Instant, TenantScope } from '#kernel/db';
import { isAppError } from '#kernel/errors';
import { archiveFormat } from '../archive-format.ts';
import type { DataMap, PortableSet } from '../types.ts';
import { planTables, readMemberships, type Membership, type PlannedTable } from './plan-export.ts';
import { countRows, readTable } from './read-table.ts';
import { renderIndex } from './render-index.ts';
import { toCsv, toJson } from './render-rows.ts';

export interface ArchiveOptions {
  readonly services: Services;
  readonly map: DataMap;
  readonly portable: readonly PortableSet[];
  readonly userId: string;
  /** Called with the share written so far, 0 to 1. */
  readonly onProgress: (share: number) => void;
}

interface Entry {
  readonly path: string;
  /** What it will probably be, in bytes; for telling how far one is. */
  readonly expectedBytes: number;
  /** Null when it is not there any more. */
  readonly open: () => Readable | Promise<Readable | null>;
}

const headingOf = (memberships: readonly Membership[], folder: string): string => {
  if (folder === 'account') return 'Your account';
  if (folder === 'personal') return 'Your personal organisation';
  const membership = memberships[Number(folder.replace('organisation-', ''))];
  const name = membership?.name ?? folder;
  return membership?.isWhole ? `Everything in ${name}` : `Yours, and nobody else’s, in ${name}`;
};

const readme = (memberships: readonly Membership[]): string =>
  [
    'This archive holds everything this server has of yours, as it was at one instant.',
    '',
    'index.html     begin here: opens in any browser and leads to everything else',
    'account/       your account, ways to sign in, devices; without secrets',
    'personal/      everything in your personal organisation',
    ...memberships.flatMap(({ name, isPersonal, isWhole }, index) => {
      const what = isWhole ? 'everything in' : "what is yours, and nobody else's, in";
      return isPersonal ? [] : [`organisation-${index}/  ${what} ${name}`];
    }),
    'files/         your files and pictures, their id before their name; files.json says what each is',
    'portable/      what can be brought back by importing this archive, here or on another server',
    '',
    'Each table is there twice: as JSON, and as CSV for spreadsheets. In CSV an apostrophe stands before cells that a',
    'spreadsheet would otherwise calculate. Times are UTC.',
    '',
  ].join('\r\n');

interface FileRow {
  id: string;
  filename: string;
  content_type: string;
  size_bytes: string;
}

/** FileOf is a file with the organisation that it lies in. */
interface FileOf extends FileRow {
  readonly scope: TenantScope;
}

/** listFiles are the objects of an organisation; copies made before are not copied again. */
async function listFiles(db: Instant, scope: TenantScope): Promise<FileOf[]> {
  const rows = await db.withTenant(scope, (tx) =>
    tx.query<FileRow>({
      text: `select o.id, o.filename, o.content_type, o.size_bytes::text from kernel.objects o
             where o.tenant_id = $1
               and not exists (select from kernel.exports e where e.object_id = o.id)
               and not exists (select from kernel.imports i where i.object_id = o.id)
               and not exists (select from kernel.import_parts p where p.object_id = o.id)
             order by o.id`,
      values: [scope.tenantId],
    }),
  );
  return rows.map((row) => ({ ...row, scope }));
}

/** Letters and figures of any script, and what no system takes amiss; the id before it keeps it unique. */
const pathOf = ({ id, filename }: FileRow): string =>
  `files/${id}-${Array.from(filename.normalize('NFC').replaceAll(/[^\p{L}\p{M}\p{N}._-]+/gu, '_'))
    .slice(-60)
    .join('')
    .replace(/\.+$/, '')}`;

async function* lines(sources: readonly AsyncIterable<unknown>[]): AsyncGenerator<string> {
  for (const records of sources) for await (const record of records) yield `${JSON.stringify(record)}\n`;
}

const isGone = (error: unknown): boolean => isAppError(error) && error.code === 'NOT_FOUND';

const bytesPerRow = 400;
const text = (path: string, content: string): Entry => ({
  path,
  expectedBytes: content.length,
  open: () => Readable.from([content]),
});

interface CountedTable extends PlannedTable {
  readonly rows: number;
}

const tableEntries = (db: Instant, source: CountedTable): Entry[] => {
  const path = `${source.folder}/${source.table}`;
  const expectedBytes = (source.rows + 1) * bytesPerRow;
  return [
    { path: `${path}.json`, expectedBytes, open: () => toJson(readTable(db, source)) },
    { path: `${path}.csv`, expectedBytes, open: () => toCsv(readTable(db, source)) },
  ];
};

function indexEntry(
  memberships: readonly Membership[],
  tables: readonly CountedTable[],
  files: readonly FileRow[],
): Entry {
  const byFolder = Map.groupBy(tables, ({ folder }) => folder);
  const folders = [...byFolder].map(([folder, own]) => ({
    heading: headingOf(memberships, folder),
    tables: own.map(({ table, note, rows }) => ({ title: note.title, path: `${folder}/${table}`, rows })),
  }));
  const indexed = files.map((file) => ({
    filename: file.filename,
    path: pathOf(file),
    sizeBytes: Number(file.size_bytes),
  }));
  const open = () =>
    Readable.from(renderIndex({ createdAt: new Date(), folders, files: indexed }), { objectMode: false });
  return { path: 'index.html', expectedBytes: 10_000, open };
}

/** Entries of the instant, and the files that follow when it is over. */
interface Plan {
  readonly ofInstant: readonly Entry[];
  readonly files: readonly Entry[];
}

/** planEntries says what the archive will hold; nothing is read before its turn. */
async function planEntries({ services, map, portable, userId }: ArchiveOptions, db: Instant): Promise<Plan> {
  const memberships = await readMemberships(db, userId);
  const scopes = memberships.filter(({ isWhole }) => isWhole).map(({ tenantId }) => ({ tenantId, userId }));
  const tables: CountedTable[] = [];
  for (const source of planTables(map, userId, memberships))
    tables.push({ ...source, rows: await countRows(db, source) });
  const files: FileOf[] = [];
  for (const scope of scopes) files.push(...(await listFiles(db, scope)));
  const listed = files.map(({ scope: _scope, ...file }) => ({ ...file, path: pathOf(file) }));
  const manifest = { format: archiveFormat, createdAt: new Date().toISOString(), organisations: memberships };
  // What applications read, they read at the same instant.
  const atInstant: Services = { ...services, db: { ...services.db, withTenant: db.withTenant, withAuth: db.withAuth } };
  const entries = tables.flatMap((source) => tableEntries(db, source));
  const tableBytes = entries.reduce((sum, { expectedBytes }) => sum + expectedBytes, 0);
  return {
    ofInstant: [
      indexEntry(memberships, tables, files),
      text('README.txt', readme(memberships)),
      text('manifest.json', JSON.stringify(manifest, null, 2)),
      ...entries,
      ...portable.map(({ name, read }) => ({
        path: `portable/${name}.jsonl`,
        expectedBytes: tableBytes / 4 / portable.length,
        open: () => Readable.from(lines(scopes.map((scope) => read(atInstant, scope))), { objectMode: false }),
      })),
      text('files.json', JSON.stringify(listed, null, 2)),
    ],
    files: files.map((file) => ({
      path: pathOf(file),
      expectedBytes: Number(file.size_bytes),
      // Deleted since: then it is no more in the copy than it is here.
      open: () =>
        services.storage
          .read(file.scope, file.id)
          .catch((error: unknown) => (isGone(error) ? null : Promise.reject(error))),
    })),
  };
}

/** Progress adds up what was written against what was expected. */
class Progress {
  readonly #total: number;
  readonly #tell: (share: number) => void;
  #before = 0;

  constructor({ ofInstant, files }: Plan, tell: (share: number) => void) {
    this.#total = [...ofInstant, ...files].reduce((sum, { expectedBytes }) => sum + expectedBytes, 0);
    this.#tell = tell;
  }

  /** A stream that counts what goes through it as part of the entry. */
  meter({ expectedBytes }: Entry): Transform {
    let bytes = 0;
    return new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        this.#tell((this.#before + Math.min(bytes, expectedBytes)) / this.#total);
        done(null, chunk);
      },
    });
  }

  finish({ expectedBytes }: Entry): void {
    this.#before += expectedBytes;
    this.#tell(this.#before / this.#total);
  }
}

/** openArchive starts to write and returns the stream of the ZIP; what fails on the way destroys it. */
export async function openArchive(options: ArchiveOptions): Promise<Readable> {
  const zip = new yazl.ZipFile();
  const output = zip.outputStream as Readable;
  const fail = (error: unknown) => output.destroy(error as Error);
  const isOver = new Promise<void>((resolve) => output.once('close', resolve));
  zip.on('error', fail);
  const add = async (entries: readonly Entry[], progress: Progress): Promise<void> => {
    for (const entry of entries) {
      const source = await entry.open();
      if (output.destroyed) source?.destroy();
      if (output.destroyed) return;
      if (!source) {
        progress.finish(entry);
        continue;
      }
      const body = source.pipe(progress.meter(entry));
      // One after the other: nothing waits in memory for its turn.
      const isWritten = Promise.race([once(body, 'end'), once(body, 'close'), isOver]);
      source.once('error', fail);
      zip.addReadStream(body, entry.path, { compress: !entry.path.startsWith('files/') });
      await isWritten;
      if (output.destroyed) source.destroy();
      progress.finish(entry);
    }
  };
  void (async () => {
    const { plan, progress } = await (async () => {
      await using instant = await options.services.db.openInstant('a copy of somebody’s data');
      const made = await planEntries(options, instant);
      const told = new Progress(made, options.onProgress);
      await add(made.ofInstant, told);
      return { plan: made, progress: told };
    })();
    await add(plan.files, progress);
    zip.end();
  })().catch(fail);
  return output;
}
