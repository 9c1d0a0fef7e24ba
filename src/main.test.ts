/** The program as an operator meets it: a process with an environment, two streams and an exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEmptyDatabase } from '#testing/database';

const main = fileURLToPath(new URL('./main.ts', import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function start(environment: Readonly<Record<string, string>>, args: readonly string[] = []) {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    env: { PATH: '', ...environment },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code]): Ended => ({ code: code as number | null, stdout, stderr }));
  return { child, ended, readStdout: () => stdout };
}

describe('[K1.2] a bad start', () => {
  test('names every missing and malformed setting at once, exits 78 and never listens', async () => {
    const { ended } = start({
      PORT: '80a',
      REQUEST_TIMEOUT_SECONDS: '-1',
      TRUSTED_PROXIES: '10.0.0.0/99',
      LOG_LEVEL: 'loud',
      DATABASE_URL: 'postgres://x@127.0.0.1:1/x',
    });
    const { code, stdout, stderr } = await ended;
    expect(code).toBe(78);
    expect(stdout).toBe('');
    for (const name of [
      'PORT',
      'REQUEST_TIMEOUT_SECONDS',
      'TRUSTED_PROXIES',
      'LOG_LEVEL',
      'MASTER_KEY',
      'AUTH_SECRET',
    ]) {
      expect(stderr).toMatch(new RegExp(`^  ${name}: `, 'm'));
    }
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('with an example value as a secret is refused without repeating it', async () => {
    const secret = Buffer.from('change-me-change-me-change-me-00').toString('base64');
    const { code, stderr } = await start({
      DATABASE_URL: 'postgres://x@127.0.0.1:1/x',
      MASTER_KEY: secret,
      AUTH_SECRET: secret,
    }).ended;
    expect(code).toBe(78);
    expect(stderr).toContain('MASTER_KEY: is an example value');
    expect(stderr).not.toContain(secret);
  });

  test('with an unknown command or option says so', async () => {
    for (const args of [['dance'], ['--port', '80']]) {
      const { code, stderr } = await start({}, args).ended;
      expect(code).toBe(2);
      expect(stderr).toMatch(/dance|port/);
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});

describe('with a database', () => {
  let database: Awaited<ReturnType<typeof createEmptyDatabase>>;
  let environment: Record<string, string>;

  beforeAll(async () => {
    database = await createEmptyDatabase();
    const { masterKey = '', authSecret = '', dataDir } = database.config;
    environment = {
      DATABASE_URL: database.url,
      MASTER_KEY: masterKey,
      AUTH_SECRET: authSecret,
      DATA_DIR: dataDir,
      PORT: '0',
      DRAIN_SECONDS: '1',
    };
  });
  afterAll(() => database?.[Symbol.asyncDispose]());

  test('it prints one line with the setup link, answers, and ends with 0 at SIGTERM', async () => {
    const { child, ended, readStdout } = start(environment);
    await expect.poll(readStdout, { timeout: 30_000 }).toContain('\n');
    const url = /http:\/\/localhost:(\d+)\/setup#token=[\w-]{20,}/.exec(readStdout());
    expect(url).not.toBeNull();
    expect((await fetch(`http://127.0.0.1:${url?.[1]}/livez`)).status).toBe(200);
    child.kill('SIGTERM');
    const { code, stdout, stderr } = await ended;
    expect([code, stdout.trim().split('\n').length]).toEqual([0, 1]);
    for (const line of stderr.trim().split('\n')) expect(() => JSON.parse(line) as unknown).not.toThrow();
  });

  test('a port in use is named, with what to do, and the program ends', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const { code, stdout, stderr } = await start({ ...environment, PORT: String(port), LOG_LEVEL: 'silent' }).ended;
    other.close();
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`Port ${port} is already in use`);
    expect(stderr).toContain('PORT=');
  });

  test('a database that cannot be reached is named without its password', async () => {
    const { code, stderr } = await start({
      ...environment,
      DATABASE_URL: 'postgres://someone:pass-word-1@127.0.0.1:1/nothing',
    }).ended;
    expect(code).toBe(1);
    expect(stderr).toContain('127.0.0.1:1');
    expect(stderr).not.toContain('pass-word-1');
    expect(stderr).not.toMatch(/^\s+at /m);
  });
});
