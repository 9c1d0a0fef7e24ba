/** watchParent notices, within half a second, that the process which started this one is gone. */
import { readFileSync } from 'node:fs';

const pollMilliseconds = 500;
const shells = /^(sh|ash|dash|bash|busybox|zsh|ksh)$/;

/**
 * readParent returns name and parent of a process on Linux, or null elsewhere and for a process that is gone.
 * @param {number} pid
 */
function readParent(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name stands in parentheses and may itself hold any character: the fields begin after the last one.
    const end = stat.lastIndexOf(')');
    const fields = stat.slice(end + 2).split(' ');
    return { name: stat.slice(stat.indexOf('(') + 1, end), parent: Number(fields[1]) };
  } catch {
    return null; // no /proc, or the process ended meanwhile
  }
}

/**
 * watchParent calls `onGone` once when our parent dies. npm starts scripts through a shell, and some shells stay
 * between npm and us: then the shell's own parent is watched too. Returns a function that stops the watch.
 * @param {() => void} onGone
 * @returns {() => void}
 */
export function watchParent(onGone) {
  const parent = process.ppid;
  const isRunByNpm = process.env['npm_lifecycle_event'] !== undefined;
  const between = isRunByNpm ? readParent(parent) : null;
  const grandparent = between && shells.test(between.name) ? between.parent : null;
  const timer = setInterval(() => {
    const isOrphan = process.ppid !== parent || (grandparent !== null && readParent(parent)?.parent !== grandparent);
    if (!isOrphan) return;
    clearInterval(timer);
    onGone();
  }, pollMilliseconds);
  timer.unref();
  return () => clearInterval(timer);
}
