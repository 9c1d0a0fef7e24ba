/** A test fills a disk of its own, a megabyte small, instead of the machine's. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** SmallDisk is a mounted tmpfs; `using` unmounts it. Throws where the run may not mount. */
export class SmallDisk implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'bulkhead-small-disk-'));

  constructor(sizeMegabytes = 1) {
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMegabytes}m`, 'tmpfs', this.path], {
      encoding: 'utf8',
    });
    if (mounted.status === 0) return;
    rmSync(this.path, { recursive: true, force: true });
    throw new Error(`a small disk cannot be mounted: ${mounted.stderr}`);
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.path]);
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** canMountSmallDisk tells whether this run has the right to mount (root outside a locked-down container). */
export function canMountSmallDisk(): boolean {
  try {
    using disk = new SmallDisk();
    return disk.freeBytes > 0;
  } catch {
    return false; // No right, or no such program: the caller decides what that means.
  }
}
