/** buildWeb builds the web app with Vite when, and only when, something it is made of changed since the last build. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { withLock } from './lock.mjs';
import { superviseCommand } from './supervise.mjs';

/** sources are the files and folders the web app is made of; `contract.ts` files are found everywhere under src. */
const sources = [
  'package-lock.json',
  'vite.config.ts',
  'src/web',
  'src/kernel/contract',
  'src/kernel/auth/password-policy.ts',
];

/**
 * listFiles returns all files below a path, sorted, tests left out.
 * @param {string} path
 * @returns {string[]}
 */
function listFiles(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .filter((name) => !/\.test\.tsx?$/.test(name))
    .flatMap((name) => listFiles(join(path, name)));
}

/** @param {string} root */
function listWebFiles(root) {
  const shared = listFiles(join(root, 'src')).filter((file) => {
    const path = relative(root, file).replaceAll('\\', '/');
    return /^src\/apps\/[^/]+\/(ui|widget)\//.test(path) || path.endsWith('contract.ts');
  });
  return [...sources.flatMap((source) => listFiles(join(root, source))), ...shared];
}

/**
 * hashWebSources digests names and contents, so that neither a touched file nor a moved checkout builds again.
 * @param {string} root
 */
export function hashWebSources(root) {
  const hash = createHash('sha256');
  for (const file of listWebFiles(root)) {
    const content = readFileSync(file);
    hash.update(`${relative(root, file)}\0${content.length}\0`).update(content);
  }
  return hash.digest('hex');
}

/**
 * buildWeb resolves to 0, or to Vite's exit code. The digest is written after a build that worked, never before.
 * @param {string} root
 * @param {string} node
 */
export async function buildWeb(root, node) {
  const stamp = join(root, '.build', 'web.hash');
  const output = join(root, '.build', 'web', 'index.html');
  const isFresh = () => existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hashWebSources(root);
  if (isFresh()) return 0;
  return withLock(root, async () => {
    if (isFresh()) return 0; // another launcher did it while we waited
    const hash = hashWebSources(root);
    console.error('Building the web app…');
    const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
    const args = [vite, 'build', '--config', join(root, 'vite.config.ts'), '--logLevel', 'warn'];
    const code = await superviseCommand(node, args, { cwd: root, stdout: 'stderr', env: { NODE_ENV: 'production' } });
    if (code !== 0) {
      console.error('Building the web app failed; see the lines above.');
      return code;
    }
    mkdirSync(join(root, '.build'), { recursive: true });
    writeFileSync(stamp, hash);
    return 0;
  });
}
