/**
 * The kill loop: the server is killed at random points of streaming answers, again and again, and afterwards nothing
 * accepted is lost, nothing is there twice, every run has ended, and every client received the exact event sequence.
 *
 *   node prove/kill-loop.ts --database embedded|external --kills 50
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { createTestDatabase } from '#testing/database';
import {
  findFreePort,
  findPostmaster,
  listChildren,
  startServerProcess,
  type ServerProcess,
} from '#testing/server-process';
import { createOwner, type ApiClient } from './lib/api-client.ts';
import { Talker } from './lib/talker.ts';
import { judge, type Verdict } from './lib/judge.ts';

export interface KillLoopOptions {
  readonly database: 'embedded' | 'external';
  readonly kills: number;
  readonly talkers?: number;
  readonly say?: (line: string) => void;
}

export interface KillLoopReport extends Verdict {
  readonly database: string;
  readonly kills: number;
  /** How many kills also, or only, hit the embedded database's own processes. */
  readonly databaseKills: number;
  readonly restartMilliseconds: { readonly median: number; readonly max: number };
  readonly seconds: number;
}

const modelName = 'scripted:tokens=60,gap=15';
const modelScript = fileURLToPath(new URL('../src/testing/model-server.ts', import.meta.url));

async function startModelProcess(): Promise<{ url: string; stop: () => void }> {
  const child = spawn(process.execPath, [modelScript, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /(http:\/\/\S+)/.exec(line)?.[1];
    if (url) return { url, stop: () => child.kill('SIGKILL') };
  }
  throw new Error('the model server did not start');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function killAll(pids: readonly number[]): void {
  for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
}

/** What is killed in one round; the embedded database's processes take their turn. */
type Target = 'server' | 'server and database' | 'database backend' | 'database';

function pickTarget(database: string, round: number): Target {
  if (database === 'external') return 'server';
  const turns: Target[] = ['server', 'server and database', 'server', 'database backend', 'server', 'database'];
  return turns[round % turns.length] ?? 'server';
}

function strike(target: Target, server: ServerProcess, dataDir: string): boolean {
  const postmaster = target === 'server' ? null : findPostmaster(dataDir);
  const backends = postmaster === null ? [] : listChildren(postmaster);
  if (target === 'server') server.kill('SIGKILL');
  else if (target === 'database backend') killAll(backends.slice(-1));
  else {
    if (target === 'server and database') server.kill('SIGKILL');
    killAll([...(postmaster === null ? [] : [postmaster]), ...backends]);
  }
  return target.startsWith('server');
}

async function prepare(url: string, token: string, modelUrl: string): Promise<{ client: ApiClient; agentId: string }> {
  const client = await createOwner(url, token);
  const connection = await client.call<{ id: string }>('POST', '/model-connections', {
    name: 'Scripted',
    kind: 'openai-compatible',
    baseUrl: `${modelUrl}/v1`,
  });
  const agent = await client.call<{ id: string }>('POST', '/agents', {
    name: 'Survivor',
    model: { connectionId: connection.id, model: modelName },
  });
  return { client, agentId: agent.id };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

/** runKillLoop does the whole proof and returns its figures; it throws only when the loop itself cannot be run. */
export async function runKillLoop(options: KillLoopOptions): Promise<KillLoopReport> {
  const { database, kills, talkers: talkerCount = 4, say = () => undefined } = options;
  const startedAt = performance.now();
  await using disposer = new AsyncDisposableStack();
  const dataDir = disposer.adopt(mkdtempSync(join(tmpdir(), 'bulkhead-kill-')), (folder) =>
    rmSync(folder, { recursive: true, force: true }),
  );
  const model = await startModelProcess();
  disposer.defer(model.stop);
  const port = await findFreePort();
  const environment: Record<string, string> = {
    LIMITS:
      'agents.chat=100000/60,agents.write=100000/60,runs.follow=100000/60,runs.read=100000/60,agents.read=100000/60',
  };
  if (database === 'external') {
    const external = disposer.use(await createTestDatabase({ kind: 'external' }));
    Object.assign(environment, {
      DATABASE_URL: external.url,
      MASTER_KEY: randomBytes(32).toString('base64'),
      AUTH_SECRET: external.config.authSecret ?? '',
      MODEL_PRIVATE_NETWORKS: '127.0.0.0/8',
    });
  }
  const start = () => startServerProcess({ port, dataDir, environment });
  let server = await start();
  disposer.defer(async () => {
    server.kill('SIGTERM');
    await Promise.race([server.exited, wait(15_000)]);
    server.kill('SIGKILL');
    const postmaster = database === 'embedded' ? findPostmaster(dataDir) : null;
    if (postmaster !== null) killAll([postmaster, ...listChildren(postmaster)]);
  });
  const { client, agentId } = await prepare(server.url, server.setupToken ?? '', model.url);
  const talkers: Talker[] = [];
  for (let index = 0; index < talkerCount; index += 1) talkers.push(await Talker.create(client, agentId));
  const talking = talkers.map((talker) => talker.talk());
  const restarts: number[] = [];
  let databaseKills = 0;
  for (let round = 0; round < kills; round += 1) {
    await wait(200 + Math.random() * 1_400);
    const target = pickTarget(database, round);
    if (target !== 'server') databaseKills += 1;
    if (strike(target, server, dataDir)) {
      await server.exited;
      server = await start();
      restarts.push(server.startMilliseconds);
    }
    say(
      `${round + 1}/${kills} killed ${target}; ${talkers.reduce((sum, talker) => sum + talker.turns.length, 0)} messages sent`,
    );
  }
  talkers.forEach((talker) => talker.finishSoon());
  await Promise.all(talking);
  const verdict = await judge(client, talkers, modelName);
  return {
    ...verdict,
    database,
    kills,
    databaseKills,
    restartMilliseconds: { median: Math.round(median(restarts)), max: Math.round(Math.max(0, ...restarts)) },
    seconds: Math.round((performance.now() - startedAt) / 1_000),
  };
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { database: { type: 'string', default: 'embedded' }, kills: { type: 'string', default: '50' } },
  });
  const database = values.database === 'external' ? 'external' : 'embedded';
  const report = await runKillLoop({ database, kills: Number(values.kills), say: (line) => console.log(line) });
  console.log(JSON.stringify(report, null, 2));
  process.exitCode = report.faults.length === 0 ? 0 : 1;
}
