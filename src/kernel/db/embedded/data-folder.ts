/** The data folder is there, writable, private to us, and reachable by the user PostgreSQL runs as. */
import { createHash } from 'node:crypto';
import { chmodSync, chownSync, lstatSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseStartError, errorCode } from '../errors.ts';

/** RunAs is the user PostgreSQL runs as; undefined: the same as ours. */
export type RunAs = { readonly uid: number; readonly gid: number } | undefined;

export interface DataFolder {
  readonly root: string;
  /** Everything PostgreSQL's user owns. */
  readonly postgres: string;
  readonly cluster: string;
  readonly logFile: string;
  /** Holds the socket; its path is short enough for one. */
  readonly socketDir: string;
  readonly runAs: RunAs;
}

/** `nobody`: PostgreSQL refuses to run as root, and needs no account of its own. */
const unprivileged = 65_534;
/** sun_path holds 107 bytes, `/.s.PGSQL.5432` and our lock's temporary name need up to 24. */
const longestSocketDir = 80;

/** describeFolderError makes a sentence of a system error about a path. */
export function describeFolderError(path: string, error: unknown): DatabaseStartError {
  switch (errorCode(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DatabaseStartError(
        'DISK_FULL',
        `The disk that holds ${path} is full. Free some space and start again; nothing was lost.`,
        error,
      );
    case 'EROFS':
      return new DatabaseStartError(
        'DATA_DIR_UNUSABLE',
        `${path} is on a read-only file system. Set DATA_DIR to a folder that can be written.`,
        error,
      );
    case 'EACCES':
    case 'EPERM':
      return new DatabaseStartError(
        'DATA_DIR_UNUSABLE',
        `${path} cannot be written by user ${process.getuid?.() ?? '?'}. Give that user the folder (chown), or set DATA_DIR to another.`,
        error,
      );
    case 'ENOTDIR':
    case 'EEXIST':
      return new DatabaseStartError(
        'DATA_DIR_UNUSABLE',
        `${path} cannot be made: a part of it is a file, not a folder. Set DATA_DIR to a folder.`,
        error,
      );
    default:
      return new DatabaseStartError(
        'DATA_DIR_UNUSABLE',
        `${path} cannot be used: ${error instanceof Error ? error.message : String(error)}`,
        error,
      );
  }
}

/** chooseUser keeps to whoever owns an existing cluster, so that a folder made by another user stays usable by root. */
function chooseUser(cluster: string): RunAs {
  if (process.getuid?.() !== 0) return undefined;
  try {
    const { uid, gid } = statSync(cluster);
    if (uid !== 0) return { uid, gid };
  } catch {
    // No cluster yet.
  }
  return { uid: unprivileged, gid: unprivileged };
}

function makeOwned(path: string, runAs: RunAs): void {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  if (!runAs) return;
  chownSync(path, runAs.uid, runAs.gid);
  chmodSync(path, 0o700);
}

/** isReachable tells whether the user may enter the folder: each parent must let others (or the user) pass. */
export function isReachable(path: string, runAs: RunAs): boolean {
  if (!runAs) return true;
  for (let folder = path; ; folder = dirname(folder)) {
    const { mode, uid, gid } = statSync(folder);
    const bit = uid === runAs.uid ? 0o100 : gid === runAs.gid ? 0o010 : 0o001;
    if ((mode & bit) === 0) return false;
    if (folder === dirname(folder)) return true;
  }
}

/** shortSocketDir is used when the data folder's path is too long for a socket: a private folder under /tmp. */
function shortSocketDir(root: string, runAs: RunAs): string {
  const owner = runAs?.uid ?? process.getuid?.() ?? 0;
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16);
  const path = join(tmpdir().length <= 30 ? tmpdir() : '/tmp', `bulkhead-${owner}-${name}`);
  makeOwned(path, runAs);
  // Anybody may make a folder in /tmp: one that is not ours alone is refused.
  const { uid, mode } = lstatSync(path);
  if (!lstatSync(path).isDirectory() || uid !== owner || (mode & 0o077) !== 0) {
    throw new DatabaseStartError(
      'DATA_DIR_UNUSABLE',
      `${path} belongs to somebody else. Remove it, or set DATA_DIR to a shorter path (at most ${longestSocketDir - 13} characters).`,
    );
  }
  return path;
}

/** prepareDataFolder makes what is missing and throws a DatabaseStartError sentence for what cannot be. */
export function prepareDataFolder(root: string): DataFolder {
  const postgres = join(root, 'postgres');
  const cluster = join(postgres, 'cluster');
  try {
    mkdirSync(dirname(root), { recursive: true });
    mkdirSync(root, { recursive: true, mode: 0o700 });
    const runAs = chooseUser(cluster);
    // Others may pass through, not look: the database's user needs to reach its own folder below.
    if (runAs) chmodSync(root, statSync(root).mode | 0o011);
    if (runAs && !isReachable(root, runAs)) {
      throw new DatabaseStartError(
        'DATA_DIR_UNUSABLE',
        `${root} cannot be reached by the unprivileged user that the database runs as when started by root: a folder above it is closed to others. Open it (chmod o+x), or set DATA_DIR elsewhere, such as /var/lib/bulkhead.`,
      );
    }
    const probe = join(root, `.probe-${process.pid}`);
    writeFileSync(probe, 'x');
    rmSync(probe);
    makeOwned(postgres, runAs);
    const nearDir = join(postgres, 'run');
    const socketDir = Buffer.byteLength(nearDir) <= longestSocketDir ? nearDir : shortSocketDir(root, runAs);
    makeOwned(socketDir, runAs);
    return { root, postgres, cluster, logFile: join(postgres, 'postgres.log'), socketDir, runAs };
  } catch (error) {
    if (error instanceof DatabaseStartError) throw error;
    throw describeFolderError(root, error);
  }
}
