/** What `postmaster.pid` says about a server that runs, or ran, on a cluster. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isProcessAlive } from './process-alive.ts';

export interface PostmasterFile {
  readonly pid: number;
  readonly socketDir: string;
  readonly isReady: boolean;
}

/** readPostmasterFile returns null when there is none or it is half-written. Format: PostgreSQL's miscadmin.h. */
export function readPostmasterFile(cluster: string): PostmasterFile | null {
  let lines: string[];
  try {
    lines = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 1) return null;
  return { pid, socketDir: (lines[4] ?? '').trim(), isReady: (lines[7] ?? '').trim() === 'ready' };
}

/** isOurPostmaster guards against a reused process id: on Linux the command line must name the cluster. */
function isOurPostmaster(pid: number, cluster: string): boolean {
  if (!isProcessAlive(pid)) return false;
  if (process.platform !== 'linux') return true;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(cluster);
  } catch {
    return false;
  }
}

/** findRunningPostmaster returns the server that is alive on this cluster, or null. */
export function findRunningPostmaster(cluster: string): PostmasterFile | null {
  const file = readPostmasterFile(cluster);
  return file && isOurPostmaster(file.pid, cluster) ? file : null;
}
