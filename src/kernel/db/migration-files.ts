/** Migrations are files that never change once released: each is read with its version and the checksum it is held to. */
import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** MigrationSource is one module's folder of `NNNN_<what>.sql`. The list's order is the order between modules. */
export interface MigrationSource {
  readonly module: string;
  readonly directory: URL;
}

export interface Migration {
  readonly module: string;
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** SHA-256 in hex of the text with line ends as LF, so that a checkout on another system has the same. */
  readonly checksum: string;
}

const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;

async function readSource(source: MigrationSource): Promise<Migration[]> {
  const names = (await readdir(source.directory)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (file): Promise<Migration> => {
      const match = fileName.exec(file);
      if (!match)
        throw new Error(`${fileURLToPath(source.directory)}${file}: a migration is named NNNN_what_it_does.sql`);
      const sql = (await readFile(new URL(file, source.directory), 'utf8')).replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { module: source.module, version: Number(match[1]), name: match[2] ?? '', sql, checksum };
    }),
  );
}

/** readMigrations returns every migration in the order to apply. Throws on a misnamed file or a number used twice. */
export async function readMigrations(sources: readonly MigrationSource[]): Promise<Migration[]> {
  const migrations = (await Promise.all(sources.map(readSource))).flat();
  const seen = new Set<string>();
  for (const { module, version } of migrations) {
    const key = `${module} ${version}`;
    if (seen.has(key)) throw new Error(`two migrations of ${module} have the number ${version}`);
    seen.add(key);
  }
  return migrations;
}

/** digestMigrations names a schema: the same list gives the same digest. */
export function digestMigrations(migrations: readonly Migration[]): string {
  const hash = createHash('sha256');
  for (const { module, version, checksum } of migrations) hash.update(`${module} ${version} ${checksum}\n`);
  return hash.digest('hex');
}
