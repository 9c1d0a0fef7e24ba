/** A process id says nothing alone: this tells a live process from a dead one that nobody has reaped yet. */
import { readFileSync } from 'node:fs';

/** isProcessAlive is false for absent processes and for zombies (in a container nothing may ever reap them). */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    return !/\) [ZX] /.test(stat);
  } catch {
    return false;
  }
}

/** waitForExit polls until the process is gone; false when it is still there after the deadline. */
export async function waitForExit(pid: number, deadlineMilliseconds: number): Promise<boolean> {
  const deadline = Date.now() + deadlineMilliseconds;
  while (isProcessAlive(pid)) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}
