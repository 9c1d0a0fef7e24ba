/** A cluster is either made whole or not there: an interrupted initdb is swept away by the next start. */
import { spawn } from 'node:child_process';
import { chownSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseStartError } from '../errors.ts';
import type { Binaries } from './binaries.ts';
import { describeFolderError, type DataFolder } from './data-folder.ts';

/** superuser is the bootstrap role; only the supervisor uses it. */
export const superuser = 'bulkhead_root';

function run(
  program: string,
  args: readonly string[],
  folder: DataFolder,
): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...folder.runAs,
      cwd: folder.postgres,
      env: { LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    const collect = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-4_000));
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** childFailure turns the output of PostgreSQL's programs into a sentence; a full disk is named as such. */
export function childFailure(folder: DataFolder, what: string, output: string): DatabaseStartError {
  if (/No space left on device|Disk quota exceeded/.test(output)) {
    return describeFolderError(folder.root, Object.assign(new Error(output), { code: 'ENOSPC' }));
  }
  const nameless = /could not look up effective user ID (\d+)/.exec(output)?.[1];
  if (nameless) {
    return new DatabaseStartError(
      'POSTMASTER_FAILED',
      `User ${nameless} has no account on this machine, and PostgreSQL will not make a database for somebody without a name. Add the user to /etc/passwd, or give DATABASE_URL.`,
    );
  }
  const lines = output
    .trim()
    .split('\n')
    .filter((line) => /error|fatal|panic|hint|cannot|failed/i.test(line))
    .slice(-4);
  return new DatabaseStartError(
    'POSTMASTER_FAILED',
    `${what} failed. It said:\n  ${(lines.length > 0 ? lines : output.trim().split('\n').slice(-3)).join('\n  ')}\nIts log is ${folder.logFile}.`,
  );
}

/** ensureCluster runs initdb once: UTF-8, C.UTF-8 order, SCRAM for every connection. Returns true when it made one. */
export async function ensureCluster(folder: DataFolder, binaries: Binaries, password: string): Promise<boolean> {
  const marker = join(folder.cluster, '.complete');
  if (existsSync(marker)) return false;
  // An initdb that was killed, or ran out of disk, left something that is no cluster.
  rmSync(folder.cluster, { recursive: true, force: true });
  const passwordFile = join(folder.postgres, '.initdb-password');
  try {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (folder.runAs) chownSync(passwordFile, folder.runAs.uid, folder.runAs.gid);
    const { code, output } = await run(
      binaries.initdb,
      [
        '-D',
        folder.cluster,
        '-U',
        superuser,
        '--pwfile',
        passwordFile,
        '--auth=scram-sha-256',
        '-E',
        'UTF8',
        '--locale-provider=builtin',
        '--builtin-locale=C.UTF-8',
        '--locale=C',
        '--data-checksums',
        '--no-instructions',
        // A thousand files: one sync of the file system is cheaper than one of each.
        `--sync-method=${process.platform === 'linux' ? 'syncfs' : 'fsync'}`,
      ],
      folder,
    );
    if (code !== 0) throw childFailure(folder, 'Making the database', output);
    writeFileSync(marker, '');
    return true;
  } catch (error) {
    rmSync(folder.cluster, { recursive: true, force: true });
    throw error instanceof DatabaseStartError ? error : describeFolderError(folder.cluster, error);
  } finally {
    rmSync(passwordFile, { force: true });
  }
}
