/** installPackages makes node_modules what the lockfile says, and does nothing when it already is. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withLock } from './lock.mjs';
import { superviseCommand } from './supervise.mjs';

/**
 * readPackages returns a lockfile's packages by folder, or null when it is missing or half-written.
 * @param {string} path
 * @returns {Record<string, { version?: string, optional?: boolean }> | null}
 */
function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages ?? null;
  } catch {
    return null; // missing or unreadable: install again
  }
}

/**
 * isInstalled compares the lockfile with the record npm leaves in node_modules. Optional packages may be absent
 * (they are for other machines), any other must be there in the locked version.
 * @param {string} root
 */
export function isInstalled(root) {
  const wanted = readPackages(join(root, 'package-lock.json'));
  const present = readPackages(join(root, 'node_modules', '.package-lock.json'));
  if (!wanted || !present) return false;
  const matches = Object.entries(wanted).every(([folder, { version, optional }]) => {
    if (folder === '') return true;
    const found = present[folder];
    return found ? found.version === version : optional === true;
  });
  return matches && existsSync(join(root, 'node_modules', 'vite', 'package.json'));
}

/** npmCommand is the npm that started us, or the one on the PATH. */
function npmCommand() {
  const script = process.env['npm_execpath'];
  if (script && /\.[cm]?js$/.test(script)) return { program: process.execPath, first: [script], shell: false };
  return { program: 'npm', first: [], shell: process.platform === 'win32' };
}

/**
 * installPackages resolves to 0, or to npm's exit code. Install scripts never run (nothing here needs one);
 * development packages are included whatever NODE_ENV says, because Vite builds the web app. `npm ci` will not do: it
 * refuses the lockfile when an optional package of another platform was never published. `npm install --no-save`
 * installs the locked versions, checks their digests, and changes neither package.json nor the lockfile.
 * @param {string} root
 */
export async function installPackages(root) {
  if (isInstalled(root)) return 0;
  return withLock(root, async () => {
    if (isInstalled(root)) return 0; // another launcher did it while we waited
    console.error('Installing packages (half a minute or so, only when they changed)…');
    const startedAt = Date.now();
    const { program, first, shell } = npmCommand();
    const flags = [
      '--no-save',
      '--ignore-scripts',
      '--include=dev',
      '--include=optional',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    const code = await superviseCommand(program, [...first, 'install', ...flags], {
      cwd: root,
      shell,
      stdout: 'stderr',
      env: { npm_config_update_notifier: 'false' },
    });
    if (code === 0) console.error(`Packages installed in ${Math.round((Date.now() - startedAt) / 1000)} s.`);
    else console.error('Installing packages failed; see the lines above.');
    return code;
  });
}
