/**
 * Slow clients hold sockets open with headers and bodies that never end, while a good client asks one thing after the
 * other; what it waits is compared with what it waits when the server is quiet. Server, slow clients and good client are
 * processes of their own.
 *
 *   node prove/slow-clients.ts --sockets 500 --requests 3000
 */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { createTestDatabase } from '#testing/database';
import { findFreePort, startServerProcess } from '#testing/server-process';
import { createOwner, type ApiClient } from './lib/api-client.ts';

export interface SlowClientsOptions {
  readonly sockets: number;
  /** How many the good client sends while quiet, and as many again under load. */
  readonly requests: number;
}

export interface SlowClientsReport {
  /** Slow sockets that were open at once, at the least and at the most, while the good client asked. */
  readonly openLeast: number;
  readonly openMost: number;
  /** How many slow connections the server cut off meanwhile. */
  readonly cut: number;
  /** Milliseconds, while quiet and beside the slow clients. */
  readonly quiet: { readonly p50: number; readonly p99: number };
  readonly loaded: { readonly p50: number; readonly p99: number };
  /** p99 beside the slow clients over p99 while quiet. */
  readonly ratio: number;
  readonly failed: number;
}

const trickleScript = fileURLToPath(new URL('lib/trickle-process.ts', import.meta.url));

interface Timed {
  readonly milliseconds: number[];
  failed: number;
}

async function askMany(client: ApiClient, requests: number, timed: Timed): Promise<void> {
  for (let index = 0; index < requests; index += 1) {
    const startedAt = performance.now();
    const response = await client.send('GET', '/agents');
    await response.arrayBuffer();
    timed.milliseconds.push(performance.now() - startedAt);
    if (response.status !== 200) timed.failed += 1;
  }
}

function percentiles({ milliseconds }: Timed): { p50: number; p99: number } {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number) => Math.round((sorted[Math.floor(sorted.length * share)] ?? 0) * 100) / 100;
  return { p50: at(0.5), p99: at(0.99) };
}

interface Crowd {
  readonly states: { open: number; cut: number }[];
  readonly stop: () => void;
}

/** startCrowd resolves once nearly all slow sockets are open. */
async function startCrowd(url: string, sockets: number, cookie: string): Promise<Crowd> {
  const { port } = new URL(url);
  const child = spawn(
    process.execPath,
    [trickleScript, '--port', port, '--sockets', String(sockets), '--cookie', cookie],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const states: { open: number; cut: number }[] = [];
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the slow clients did not connect')), 30_000);
    lines.on('line', (line) => {
      const state = JSON.parse(line) as { open: number; cut: number };
      states.push(state);
      if (state.open < sockets * 0.95) return;
      clearTimeout(timer);
      resolve();
    });
  });
  states.length = 0; // what counts is from now on
  return { states, stop: () => void child.kill('SIGKILL') };
}

/** runSlowClients measures quiet, crowded, and quiet again; both quiet halves make the yardstick. */
export async function runSlowClients({ sockets, requests }: SlowClientsOptions): Promise<SlowClientsReport> {
  await using disposer = new AsyncDisposableStack();
  const dataDir = disposer.adopt(mkdtempSync(join(tmpdir(), 'bulkhead-slow-')), (folder) =>
    rmSync(folder, { recursive: true, force: true }),
  );
  const database = disposer.use(await createTestDatabase());
  const server = await startServerProcess({
    port: await findFreePort(),
    dataDir,
    environment: {
      DATABASE_URL: database.url,
      MASTER_KEY: randomBytes(32).toString('base64'),
      AUTH_SECRET: database.config.authSecret ?? '',
      REQUEST_TIMEOUT_SECONDS: '2',
      LIMITS: 'agents.read=1000000/60,agents.write=1000000/60,kernel.refused=1000000/60',
    },
  });
  disposer.defer(async () => {
    server.kill('SIGTERM');
    await server.exited;
  });
  const client = await createOwner(server.url, server.setupToken ?? '');
  await askMany(client, 300, { milliseconds: [], failed: 0 }); // warm
  const quiet: Timed = { milliseconds: [], failed: 0 };
  const loaded: Timed = { milliseconds: [], failed: 0 };
  await askMany(client, requests / 2, quiet);
  const crowd = await startCrowd(server.url, sockets, client.cookie);
  try {
    await askMany(client, requests, loaded);
  } finally {
    crowd.stop();
  }
  await askMany(client, requests / 2, quiet);
  const [quietTimes, loadedTimes] = [percentiles(quiet), percentiles(loaded)];
  const open = crowd.states.map((state) => state.open);
  return {
    openLeast: Math.min(...open),
    openMost: Math.max(...open),
    cut: crowd.states.at(-1)?.cut ?? 0,
    quiet: quietTimes,
    loaded: loadedTimes,
    ratio: Math.round((loadedTimes.p99 / quietTimes.p99) * 100) / 100,
    failed: quiet.failed + loaded.failed,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { sockets: { type: 'string', default: '500' }, requests: { type: 'string', default: '4000' } },
  });
  const report = await runSlowClients({ sockets: Number(values.sockets), requests: Number(values.requests) });
  console.log(JSON.stringify(report, null, 2));
}
