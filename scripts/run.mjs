/**
 * The launcher: on a machine with any Node from 20 and npm, `npm start` (and test, check, bench, prove) installs what
 * is missing, builds the web app when its sources changed, and runs the TypeScript sources under the pinned Node.
 * Plain JavaScript without dependencies, because it runs before anything is installed.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildWeb } from './launcher/build-web.mjs';
import { installPackages } from './launcher/install.mjs';
import { pickNode } from './launcher/pick-node.mjs';
import { superviseCommand } from './launcher/supervise.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Settings may stand in a file; what the environment says wins. */
const settingsFile = join(root, '.env');

/**
 * commands says what each name runs, and whether it needs the built web app.
 * @type {Readonly<Record<string, { entry: string, args: readonly string[], needsWeb: boolean, cachesCode: boolean }>>}
 */
const commands = {
  serve: { entry: 'src/main.ts', args: ['serve'], needsWeb: true, cachesCode: true },
  test: { entry: 'scripts/run-tests.ts', args: [], needsWeb: true, cachesCode: false },
  docs: { entry: 'scripts/docs.ts', args: [], needsWeb: false, cachesCode: false },
  check: { entry: 'scripts/check.ts', args: [], needsWeb: false, cachesCode: false },
  bench: { entry: 'bench/main.ts', args: [], needsWeb: true, cachesCode: false },
  prove: { entry: 'prove/main.ts', args: [], needsWeb: true, cachesCode: false },
  cli: { entry: 'src/cli/main.ts', args: [], needsWeb: false, cachesCode: true },
};

/** nodeArguments: `die-with-parent` is loaded first, so that a killed launcher never leaves the program behind. */
function nodeArguments(/** @type {string} */ entry) {
  return [
    '--disable-warning=ExperimentalWarning',
    ...(existsSync(settingsFile) ? [`--env-file=${settingsFile}`] : []),
    '--import',
    new URL('./launcher/die-with-parent.mjs', import.meta.url).href,
    join(root, entry),
  ];
}

async function main() {
  const [name = '', ...rest] = process.argv.slice(2);
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (!command) {
    console.error(`Usage: node scripts/run.mjs ${Object.keys(commands).join('|')} [arguments]`);
    return 2;
  }
  const installed = await installPackages(root);
  if (installed !== 0) return installed;
  const node = pickNode(root);
  if ('problem' in node) {
    console.error(node.problem);
    return 1;
  }
  if (command.needsWeb) {
    const built = await buildWeb(root, node.path);
    if (built !== 0) return built;
  }
  if (!existsSync(join(root, command.entry))) {
    console.error(`${command.entry} does not exist in this checkout.`);
    return 1;
  }
  return superviseCommand(node.path, [...nodeArguments(command.entry), ...command.args, ...rest], {
    // Compiled code is kept between starts; coverage and benchmarks want none of it.
    env: command.cachesCode ? { NODE_COMPILE_CACHE: join(root, '.build', 'compile-cache') } : {},
  });
}

process.exitCode = await main();
