/** The measurements, each against its baseline taken in the same run on the same machine. */
import { setTimeout as sleep } from 'node:timers/promises';
import autocannon from 'autocannon';
import { startLoad, type BulkheadProcess, type ModelProcess } from './children.ts';
import type { LoadResult } from './load.ts';
import { cpuSecondsOf } from './process-stats.ts';
import { jobDirect, jobThrough, makeConversations, type Person } from './scenario.ts';

export interface Place {
  readonly bulkhead: BulkheadProcess;
  readonly model: ModelProcess;
  readonly person: Person;
}

/** percentile of a list, nearest rank; NaN for none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

function numbers(result: LoadResult, field: 'answeredMs' | 'firstMs' | 'totalMs'): number[] {
  return result.streams.map((stream) => stream[field]).filter((value) => value !== null);
}

/** FirstToken is in milliseconds, medians at concurrency 1. */
export interface FirstToken {
  readonly directMs: number;
  readonly throughMs: number;
  readonly addedMs: number;
  /** Of it, until the message was accepted and the event stream open. */
  readonly acceptedMs: number;
}

/** measureFirstToken: 50 answers one after another, each on a new connection, after five to warm up. */
export async function measureFirstToken({ bulkhead, model, person }: Place): Promise<FirstToken> {
  const shape = { tokens: 5, gapMs: 20 };
  const conversations = await makeConversations(person, shape, 55);
  const options = { rampMilliseconds: 0, isSequential: true };
  const direct = await startLoad(jobDirect(model.url, 55, shape, options)).result;
  const through = await startLoad(jobThrough(bulkhead.url, person, conversations, shape, options)).result;
  const [directMs, throughMs] = [direct, through].map((result) =>
    percentile(numbers(result, 'firstMs').slice(5), 0.5),
  ) as [number, number];
  const acceptedMs = percentile(numbers(through, 'answeredMs').slice(5), 0.5);
  return { directMs, throughMs, acceptedMs, addedMs: throughMs - directMs };
}

export interface TokenCost {
  /** CPU seconds per 10,000 tokens. */
  readonly server: number;
  readonly database: number;
  /** What the scripted model itself uses to serve the same 10,000 tokens to a direct client. */
  readonly direct: number;
}

/** measureTokenCost streams 10,000 tokens, 50 answers of 200 at once, and reads the processes' CPU time. */
export async function measureTokenCost({ bulkhead, model, person }: Place): Promise<TokenCost> {
  const shape = { tokens: 200, gapMs: 20 };
  const conversations = await makeConversations(person, shape, 50);
  const beforeDirect = cpuSecondsOf([model.pid]);
  await startLoad(jobDirect(model.url, 50, shape, { rampMilliseconds: 500 })).result;
  const direct = cpuSecondsOf([model.pid]) - beforeDirect;
  await sleep(1_000); // let what was prepared settle, or its CPU time counts as the streams'
  const before = bulkhead.usage();
  await startLoad(jobThrough(bulkhead.url, person, conversations, shape, { rampMilliseconds: 500 })).result;
  await sleep(1_000); // and let the streams' own journals be folded
  const after = bulkhead.usage();
  return {
    direct,
    server: after.serverCpuSeconds - before.serverCpuSeconds,
    database: after.databaseCpuSeconds - before.databaseCpuSeconds,
  };
}

export interface Crowd {
  readonly streams: number;
  readonly completed: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firstP99Ms: number;
  readonly directP99Ms: number;
  /** p99 over the ideal of 199 gaps of 20 ms. */
  readonly p99OverIdeal: number;
  readonly cpuSeconds: number;
  readonly problem?: string;
}

const idealMs = 199 * 20;
/** All streams are begun within this time, so that each level is reached and kept for two seconds. */
export const rampMilliseconds = 2_000;

/** measureCrowd runs `count` streams of 200 tokens, 20 ms apart, at once. */
export async function measureCrowd({ bulkhead, model, person }: Place, count: number): Promise<Crowd> {
  const shape = { tokens: 200, gapMs: 20 };
  const conversations = await makeConversations(person, shape, count);
  const direct = await startLoad(jobDirect(model.url, count, shape, { rampMilliseconds })).result;
  const before = bulkhead.usage().serverCpuSeconds;
  const through = await startLoad(jobThrough(bulkhead.url, person, conversations, shape, { rampMilliseconds })).result;
  const totals = numbers(through, 'totalMs');
  const failed = through.streams.find(({ isComplete }) => !isComplete);
  return {
    streams: count,
    completed: through.streams.filter(({ isComplete }) => isComplete).length,
    p50Ms: percentile(totals, 0.5),
    p99Ms: percentile(totals, 0.99),
    firstP99Ms: percentile(numbers(through, 'firstMs'), 0.99),
    directP99Ms: percentile(numbers(direct, 'totalMs'), 0.99),
    p99OverIdeal: percentile(totals, 0.99) / idealMs,
    cpuSeconds: bulkhead.usage().serverCpuSeconds - before,
    ...(failed?.problem === undefined ? {} : { problem: failed.problem }),
  };
}

/** measureIdleStream opens 500 streams that have their first token and then wait; returns KiB of the server per stream. */
export async function measureIdleStream({ bulkhead, person }: Place): Promise<number> {
  const count = 500;
  const shape = { tokens: 2, gapMs: 25_000 };
  const conversations = await makeConversations(person, shape, count);
  await sleep(2_000);
  const before = bulkhead.usage().serverMemoryMb;
  const load = startLoad(
    jobThrough(bulkhead.url, person, conversations, shape, { rampMilliseconds: 2_000, isHeld: true }),
  );
  await Promise.race([load.held, sleep(20_000)]);
  await sleep(2_000);
  const after = bulkhead.usage().serverMemoryMb;
  load.release();
  await load.result;
  return ((after - before) * 1_024) / count;
}

/** RequestRate is requests per second over 20 connections for five seconds. */
export interface RequestRate {
  readonly perSecond: number;
  readonly p99Ms: number;
  readonly failed: number;
  /** CPU of the answering process. */
  readonly cpuMicroseconds: number;
}

async function fire(url: string, headers: Record<string, string>, cpuSeconds: () => number): Promise<RequestRate> {
  const run = { url, headers, connections: 20 };
  await autocannon({ ...run, duration: 2 });
  const before = cpuSeconds();
  const result = await autocannon({ ...run, duration: 5 });
  return {
    perSecond: result.requests.average,
    p99Ms: result.latency.p99,
    failed: result.non2xx + result.errors,
    cpuMicroseconds: ((cpuSeconds() - before) * 1e6) / result.requests.total,
  };
}

/** measureListRoute asks an authenticated list of 50 rows; `bare` is Node's http module answering a small JSON list. */
export async function measureListRoute({
  bulkhead,
  model,
  person,
}: Place): Promise<{ list: RequestRate; bare: RequestRate }> {
  await makeConversations(person, { tokens: 1, gapMs: 0 }, 60);
  const headers = { cookie: person.client.cookie, 'sec-fetch-site': 'same-origin' };
  const list = await fire(`${bulkhead.url}/api/v1/conversations`, headers, () => bulkhead.usage().serverCpuSeconds);
  return { list, bare: await fire(`${model.url}/v1/models`, {}, () => cpuSecondsOf([model.pid])) };
}
