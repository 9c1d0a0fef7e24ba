/** A start that cannot succeed says why in one sentence, ends with an exit code, and disturbs nobody. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { say, waitForAnswer } from '../testing/agents-fixture.ts';
import { findFreePort, findPostmaster, startServerProcess } from '../testing/server-process.ts';
import { startWholeServer, type WholeServer } from '../testing/whole-server.ts';

let folder: string;
let first: WholeServer;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bulkhead-bad-start-'));
  chmodSync(folder, 0o711);
  first = await startWholeServer({ dataDir: join(folder, 'data') });
}, 120_000);
afterAll(async () => {
  await first?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

interface FailedStart {
  readonly code: number;
  /** What a person reads: the lines that are no log. */
  readonly text: string;
}

async function failToStart(options: {
  port: number;
  dataDir: string;
  environment?: Record<string, string>;
}): Promise<FailedStart> {
  try {
    const server = await startServerProcess(options);
    server.kill('SIGKILL');
  } catch (error) {
    const [head = '', ...lines] = (error as Error).message.split('\n');
    const code = Number(/ended with (\d+)/.exec(head)?.[1]);
    return { code, text: lines.filter((line) => !line.startsWith('{')).join('\n') };
  }
  throw new Error('it started');
}

/** expectSentence: what, where and what to do, without a stack. */
function expectSentence({ text }: FailedStart, pattern: RegExp): void {
  expect(text).toMatch(pattern);
  expect(text).not.toMatch(/^\s+at /m);
  expect(text.split('\n').length).toBeLessThan(6);
}

describe('[K1.2] a start fails clearly', () => {
  test('when the port is in use, and leaves no database running behind', async () => {
    const blocker = createServer().listen(0, '127.0.0.1');
    await once(blocker, 'listening');
    const { port } = blocker.address() as AddressInfo;
    const dataDir = join(folder, 'port-in-use');
    const failed = await failToStart({ port, dataDir });
    expect(failed.code).toBe(1);
    expectSentence(failed, new RegExp(`Port ${port} is already in use.*PORT=`, 's'));
    expect(findPostmaster(dataDir)).toBeNull();
    // Nothing was spoilt: with a free port the same folder starts.
    const server = await startServerProcess({ port: await findFreePort(), dataDir });
    expect(server.setupToken).not.toBeNull();
    server.kill('SIGTERM');
    expect(await server.exited).toBe(0);
    blocker.close();
  }, 120_000);

  test.each([
    [
      'is a file',
      () => {
        writeFileSync(join(folder, 'file'), '');
        return join(folder, 'file');
      },
    ],
    [
      'lies under a file',
      () => {
        writeFileSync(join(folder, 'file'), '');
        return join(folder, 'file', 'data');
      },
    ],
    ['cannot be written', () => '/proc/bulkhead'],
  ])('when the data folder %s', async (_what, makePath) => {
    const dataDir = makePath();
    const failed = await failToStart({ port: await findFreePort(), dataDir });
    expect(failed.code).toBeGreaterThan(0);
    expectSentence(failed, new RegExp(dataDir));
  });

  test('[K10.1] when another server holds the data folder, naming it, and that one goes on answering', async () => {
    const failed = await failToStart({ port: await findFreePort(), dataDir: first.dataDir });
    expect(failed.code).toBe(1);
    expectSentence(failed, new RegExp(`${first.process.pid}`));
    expect(failed.text).toContain(first.dataDir);
    const answer = await waitForAnswer(
      first.client,
      await say(first.client, await first.converse('echo'), 'Still here?'),
    );
    expect(answer).toMatchObject({ state: 'complete', text: 'Still here?' });
  });

  test('when settings are wrong: all are named at once, the exit code says configuration', async () => {
    mkdirSync(join(folder, 'unused'));
    const environment = { DRAIN_SECONDS: 'soon', UPLOAD_MAX_MB: '-1', DATABASE_URL: 'postgres://127.0.0.1/x' };
    const failed = await failToStart({ port: 70_000, dataDir: join(folder, 'unused'), environment });
    expect(failed.code).toBe(78);
    for (const name of ['PORT', 'DRAIN_SECONDS', 'UPLOAD_MAX_MB', 'MASTER_KEY', 'AUTH_SECRET'])
      expect(failed.text).toContain(name);
    expect(failed.text).not.toMatch(/^\s+at /m);
  });

  test('when DATABASE_URL leads nowhere, naming the address but not the password', async () => {
    const port = await findFreePort();
    const secret = Buffer.from('0123456789abcdefghijklmnopqrstuv').toString('base64');
    const failed = await failToStart({
      port: await findFreePort(),
      dataDir: join(folder, 'nowhere'),
      environment: {
        DATABASE_URL: `postgres://me:hunter2-hunter2@127.0.0.1:${port}/x`,
        MASTER_KEY: secret,
        AUTH_SECRET: secret.split('').toReversed().join('').replace(/^=+/, '').padEnd(44, '='),
      },
    });
    expect(failed.code).toBeGreaterThan(0);
    expectSentence(failed, new RegExp(`127\\.0\\.0\\.1:${port}`));
    expect(failed.text).not.toContain('hunter2');
  });
});
