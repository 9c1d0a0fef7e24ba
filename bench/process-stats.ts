/** Reads from /proc what a tree of processes has used; Linux only, elsewhere every figure is null. */
import { readFileSync, readdirSync } from 'node:fs';

const ticksPerSecond = 100; // USER_HZ, the same on every Linux we know

interface Stat {
  readonly pid: number;
  readonly parent: number;
  /** Own time, and that of children that have ended. */
  readonly ownTicks: number;
  readonly endedTicks: number;
}

function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
    return { pid, parent, ownTicks: user + system, endedTicks: endedUser + endedSystem };
  } catch {
    return null; // it ended meanwhile
  }
}

/** listTree returns a process and all its descendants, without those of `except`. */
export function listTree(root: number, except: readonly number[] = []): number[] {
  const stats = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .map(readStat)
    .filter((stat) => stat !== null);
  const tree = new Set([root]);
  for (let size = 0; size !== tree.size;) {
    size = tree.size;
    for (const { parent, pid } of stats) if (tree.has(parent) && !except.includes(pid)) tree.add(pid);
  }
  return [...tree];
}

/** cpuSecondsOf sums user and system time of the processes, ended children of theirs included. */
export function cpuSecondsOf(pids: readonly number[]): number {
  const ticks = pids.map(readStat).reduce((sum, stat) => sum + (stat ? stat.ownTicks + stat.endedTicks : 0), 0);
  return ticks / ticksPerSecond;
}

/** memoryMbOf sums proportional set sizes: memory shared between PostgreSQL's processes counts once. */
export function memoryMbOf(pids: readonly number[]): number {
  let kilobytes = 0;
  for (const pid of pids) {
    try {
      kilobytes += Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0);
    } catch {
      // it ended meanwhile, or is not ours to look at
    }
  }
  return kilobytes / 1_024;
}
