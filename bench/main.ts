/** `npm run bench`: measures Bulkhead from outside, prints ratios to asking the model directly, and keeps them in .build/bench.json. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { measureAdapter } from './adapter.ts';
import { startBulkhead, startModel, type ModelProcess } from './children.ts';
import { measureOnExternal } from './external.ts';
import {
  measureCrowd,
  measureFirstToken,
  measureIdleStream,
  measureListRoute,
  measureTokenCost,
  rampMilliseconds,
  type Crowd,
  type Place,
  type RequestRate,
} from './measures.ts';
import { roomyLimits, signUp } from './scenario.ts';

const { values: options } = parseArgs({ options: { levels: { type: 'string', default: '50,200,500,1000' } } });
/** `--levels 50,200` measures fewer streams at once, for a quick look. */
const levels = options.levels.split(',').map(Number);
const environment = { LIMITS: roomyLimits, MODEL_CONCURRENCY: '2000' };

function say(line: string): void {
  console.log(line);
}

function row(name: string, value: string, target = ''): void {
  say(`  ${name.padEnd(48)} ${value.padStart(34)}   ${target}`);
}

const ms = (value: number): string => `${value.toFixed(value < 100 ? 1 : 0)} ms`;
const times = (value: number): string => `${value.toFixed(2)}x`;

/** startCold starts on an empty folder, stops, and starts again: the second is what people see every day. */
async function measureStarts(dataDir: string): Promise<{ coldMs: number; warmMs: number; setupToken: string }> {
  const cold = await startBulkhead(dataDir, environment);
  const { setupToken, startedInMilliseconds: coldMs } = cold;
  await cold[Symbol.asyncDispose]();
  if (setupToken === null) throw new Error('the first start printed no setup link');
  const warm = await startBulkhead(dataDir, environment);
  await warm[Symbol.asyncDispose]();
  return { coldMs, warmMs: warm.startedInMilliseconds, setupToken: warm.setupToken ?? setupToken };
}

function describeRate({ failed, p99Ms, perSecond }: RequestRate): string {
  return `${perSecond.toFixed(0)} /s, p99 ${ms(p99Ms)}${failed > 0 ? `, ${failed} failed` : ''}`;
}

function describeCrowd(crowd: Crowd): string {
  return `${crowd.completed}/${crowd.streams} complete, p99 ${ms(crowd.p99Ms)}`;
}

async function measureEmbedded(place: Place) {
  const firstToken = await measureFirstToken(place);
  row(
    'first token, added at concurrency 1',
    `${ms(firstToken.addedMs)} (${ms(firstToken.directMs)} direct)`,
    'target: under 15 ms',
  );
  row('', `${ms(firstToken.acceptedMs)} until accepted`);
  const tokenCost = await measureTokenCost(place);
  row(
    'CPU per 10,000 tokens, server',
    `${tokenCost.server.toFixed(2)} s (${times(tokenCost.server / tokenCost.direct)} of the model's own)`,
  );
  row('CPU per 10,000 tokens, database', `${tokenCost.database.toFixed(2)} s`);
  // Before the crowds, whose leftovers in the heap would hide it; then its runs have to end.
  const idleKb = await measureIdleStream(place);
  row('memory per idle stream', `${idleKb.toFixed(0)} KiB`);
  await sleep(30_000);
  const crowds: Crowd[] = [];
  for (const level of levels) {
    const crowd = await measureCrowd(place, level);
    crowds.push(crowd);
    row(
      `${level} streams of 200 tokens, 20 ms apart`,
      describeCrowd(crowd),
      `${times(crowd.p99OverIdeal)} of ideal, ${times(crowd.p99Ms / crowd.directP99Ms)} of direct (target 1.15)`,
    );
    row('', `first token p99 ${ms(crowd.firstP99Ms)}`, `server CPU ${crowd.cpuSeconds.toFixed(1)} s`);
    if (crowd.problem !== undefined) say(`    the first that was not: ${crowd.problem.split('\n')[0]}`);
    await sleep(1_000);
  }
  const rates = await measureListRoute(place);
  row(
    'authenticated list, embedded database',
    describeRate(rates.list),
    `${rates.list.cpuMicroseconds.toFixed(0)} µs of CPU each; bare node:http ${rates.bare.perSecond.toFixed(0)} /s, ${rates.bare.cpuMicroseconds.toFixed(0)} µs`,
  );
  return { firstToken, tokenCost, crowds, idleStreamKiB: idleKb, list: rates };
}

async function measureAll(folder: string, model: ModelProcess) {
  const adapter = await measureAdapter();
  row(
    'adapter, CPU per token',
    `${adapter.oneTokenPerRead.toFixed(2)} µs`,
    `${adapter.manyTokensPerRead.toFixed(2)} µs when reads hold many`,
  );
  const dataDir = join(folder, 'data');
  const starts = await measureStarts(dataDir);
  row('start-up, cold (empty data folder)', ms(starts.coldMs));
  row('start-up, warm', ms(starts.warmMs), 'target: under 3,000 ms');
  await using bulkhead = await startBulkhead(dataDir, environment);
  await sleep(3_000);
  const rest = bulkhead.usage();
  row('memory at rest', `${rest.serverMemoryMb.toFixed(0)} MB server, ${rest.databaseMemoryMb.toFixed(0)} MB database`);
  const person = await signUp(bulkhead.url, bulkhead.setupToken ?? starts.setupToken, model.url);
  const embedded = await measureEmbedded({ bulkhead, model, person });
  return { adapter, starts: { coldMs: starts.coldMs, warmMs: starts.warmMs }, rest, ...embedded };
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-bench-'));
  chmodSync(folder, 0o711); // as root the database runs as another user, who has to pass through
  const [first] = cpus();
  say(
    `Bulkhead bench on ${cpus().length} x ${first?.model ?? 'unknown processor'}; model, load and database share them. Streams begin over ${rampMilliseconds / 1_000} s.`,
  );
  say(`Load average before the run: ${(loadavg()[0] ?? 0).toFixed(1)}; above 0.5, read CPU figures rather than times.`);
  try {
    await using model = await startModel();
    const figures = await measureAll(folder, model);
    const external = await measureOnExternal(join(folder, 'external'), environment, model);
    if (external === null)
      row('authenticated list, external database', 'skipped', 'no PostgreSQL answers at 127.0.0.1:5432');
    else
      row(
        'authenticated list, external database',
        describeRate(external.list),
        `${external.list.cpuMicroseconds.toFixed(0)} µs of CPU each`,
      );
    const file = fileURLToPath(new URL('../.build/bench.json', import.meta.url));
    mkdirSync(join(file, '..'), { recursive: true });
    writeFileSync(
      file,
      `${JSON.stringify({ at: new Date().toISOString(), cores: cpus().length, ...figures, external }, null, 2)}\n`,
    );
    say(`Kept in ${file}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();
