/**
 * Owner, viewer, API key, phone and directory of another organisation, somebody who was removed a moment ago with key and
 * phone, somebody without an account and injected SQL try to reach what belongs to an organisation: every route and
 * stream with that organisation's ids in path, query and body, every table with every verb. No answer may hold anything
 * of the victim's, and afterwards every row of the victim's is as it was.
 *
 *   node prove/fuzz/tenant-fuzz.ts --tries 20000 --seed 1
 */
import fc from 'fast-check';
import { newId } from '#kernel/ids';
import { asAdmin } from '#testing/as-admin';
import type { TestServer } from '#testing/server';
import type { Samples } from '../../src/testing/generated/sample-resources.ts';
import { arbitraryFromSchema, fillMarks } from './arbitrary-from-schema.ts';
import { countOne, secondsSince, type Counts } from './figures.ts';
import { publishedOperations, startFuzzServer, vocabulary } from './fuzz-server.ts';
import type { Operation } from './operations.ts';
import { runAsCommand } from './run-as-command.ts';
import { encodeBody, requestFor, send, type FuzzRequest } from './send.ts';
import {
  createOrganisation,
  removeSomebody,
  strangerFor,
  Strangers,
  type Organisation,
  type StrangerKind,
} from './strangers.ts';
import {
  markProperty,
  readProperty,
  readTables,
  tryTable,
  verbs,
  type Property,
  type TenantTable,
} from './tenant-tables.ts';
import { mixLists, tryAll, type Say } from './try-all.ts';

export interface TenantFuzzOptions {
  readonly tries: number;
  readonly seed?: number;
  readonly say?: Say;
}

export interface TenantFuzzReport {
  readonly tries: number;
  readonly overHttp: number;
  readonly onTables: number;
  readonly routes: number;
  readonly tables: number;
  /** Ids and texts of the victim's that every answer was searched for. */
  readonly secrets: number;
  /** How many tries each stranger made. */
  readonly byStranger: Readonly<Record<string, number>>;
  /** Event streams that were really opened and read. */
  readonly streams: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** What those who may work somewhere were answered when a request pointed at the victim by an id of its path. */
  readonly aimedByStatus: Readonly<Record<string, number>>;
  /** What the database answered to statements: no row, or the SQLSTATE of its refusal. */
  readonly onTablesByOutcome: Readonly<Record<string, number>>;
  /** Operations that no stranger got into: never a success, nor a "not found" by somebody who may ask. */
  readonly neverReached: readonly string[];
  readonly leaks: readonly string[];
  readonly seconds: number;
}

/** Whose ids a request carries, and who sends it. */
interface Try {
  readonly operation: Operation;
  readonly stranger: StrangerKind;
  readonly isStream: boolean;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Decides whose ids go into the places for ids. */
  readonly seed: number;
}

const shareOnTables = 0.25;

function triesOf(operation: Operation, count: number, seed: number): Try[] {
  const arbitrary = fc.record({
    operation: fc.constant(operation),
    stranger: fc.noBias(fc.nat({ max: 99 })).map((turn) => strangerFor(operation, turn)),
    isStream: fc.boolean(),
    query: arbitraryFromSchema(operation.query),
    body: operation.body ? arbitraryFromSchema(operation.body) : fc.constant(null),
    seed: fc.noBias(fc.integer({ min: 0, max: 2 ** 30 })),
  });
  return fc.sample(arbitrary, { numRuns: count, seed }) as unknown as Try[];
}

/** interleave spreads tries over all operations; streams get four times as many, because most refuse before they open. */
function interleave(operations: readonly Operation[], count: number, seed: number): Try[] {
  const shares = operations.map(({ answers }) =>
    [...answers.values()].some((types) => types.has('text/event-stream')) ? 4 : 1,
  );
  const each = Math.ceil(count / shares.reduce((sum, share) => sum + share, 0));
  const lists = operations.map((operation, index) => triesOf(operation, each * (shares[index] ?? 1), seed + index));
  return mixLists(lists);
}

/** idChooser gives the victim's id in seven cases of ten, so that most requests aim at the victim and the rest look usual. */
function idChooser(seed: number, victim: Samples, own: Samples): (name: string) => string {
  let state = seed;
  return (name) => {
    // A name that a stranger writes and reads again is theirs, so no id of the victim's may stand in it.
    if (name === 'domain') return 'fuzz.example.net';
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    const turn = (state >> 8) % 10;
    const chosen = turn < 7 ? victim[name] : turn < 9 ? own[name] : undefined;
    return chosen ?? anyOf(turn < 7 ? victim : own, state) ?? newId();
  };
}

/** A field that no sample is named after is filled with some id of theirs. */
function anyOf(samples: Samples, state: number): string | undefined {
  const values = Object.values(samples);
  return values[state % values.length];
}

function requestOf(one: Try, idOf: (name: string) => string): FuzzRequest {
  const { operation, query, body, isStream } = one;
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => idOf(name));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}))
    if (value !== undefined)
      search.set(name, fillMarks(typeof value === 'string' ? value.toWellFormed() : JSON.stringify(value), idOf));
  return requestFor(operation, {
    path: search.size > 0 ? `${path}?${search.toString()}` : path,
    accept: isStream ? 'text/event-stream, application/json' : '*/*',
    text: operation.body ? fillMarks(encodeBody(operation, body), idOf) : null,
    turn: one.seed,
  });
}

/** findLeak returns what of the victim's stands in an answer, apart from what the request itself said. */
function findLeak(property: Property, request: FuzzRequest, answer: string): string | null {
  // Ids that clients make: the stranger sent this one with an earlier message, and it comes back with it.
  const text = answer.replaceAll(/"clientMessageId":"[\da-f-]{36}"/g, '');
  const said = `${request.path} ${typeof request.body === 'string' ? request.body : ''}`;
  for (const [id] of text.matchAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g))
    if (property.ids.has(id) && !said.includes(id)) return id;
  return property.texts.find((secret) => text.includes(secret) && !said.includes(secret)) ?? null;
}

interface Scene {
  readonly server: TestServer;
  readonly victim: Organisation;
  readonly property: Property;
  readonly strangers: Strangers;
  readonly tally: Tally;
  readonly leaks: Set<string>;
}

interface Tally {
  readonly byStatus: Counts;
  readonly aimedByStatus: Counts;
  /** How the database met statements: no row, or the SQLSTATE of a refusal. */
  readonly tables: Counts;
  readonly reached: Set<string>;
  readonly byStranger: Counts;
  streams: number;
}

/** Those who may work in an organisation of their own: a 404 to them is an answer, no closed door. */
const settled: ReadonlySet<StrangerKind> = new Set(['owner', 'viewer', 'key', 'phone', 'directory']);

/** isAimed tells whether a request's path names something of the victim's. */
function isAimed(property: Property, { path }: FuzzRequest): boolean {
  return [...(path.split('?')[0] ?? '').matchAll(/[0-9a-f-]{36}/g)].some(([id]) => property.ids.has(id));
}

/** noteReach keeps how deep a request came. Whoever names what is the victim's in the path must not hear that all went well. */
function noteReach({ leaks, property, tally }: Scene, one: Try, request: FuzzRequest, status: number): void {
  const isSettled = settled.has(one.stranger);
  const isSuccess = status >= 200 && status < 400;
  if (isAimed(property, request)) {
    if (isSettled) countOne(tally.aimedByStatus, status);
    if (isSuccess)
      leaks.add(`${one.operation.id} answered ${one.stranger} ${status}: ${request.method} ${request.path}`);
  }
  if (isSuccess || (isSettled && (status === 404 || status === 409))) tally.reached.add(one.operation.id);
}

async function attempt(scene: Scene, one: Try): Promise<void> {
  const { victim, strangers, property, leaks, tally } = scene;
  const { operation, stranger } = one;
  const request = requestOf(one, idChooser(one.seed, victim.samples, strangers.own));
  const answer = await send(strangers.senderOf(stranger), request);
  countOne(tally.byStatus, answer.status);
  countOne(tally.byStranger, stranger);
  if (answer.isStream) tally.streams += 1;
  noteReach(scene, one, request, answer.status);
  const leak = findLeak(property, request, answer.text);
  if (leak !== null)
    leaks.add(
      `${operation.id} answered ${stranger} ${answer.status} with ${around(answer.text, leak)}: ${request.path}`,
    );
  const mayBeLost = stranger === 'owner' || stranger === 'viewer' || stranger === 'removed';
  if (answer.status === 401 && mayBeLost && !operation.isPublic && !operation.isForDirectories)
    await strangers.renewLost();
}

async function tryTables(scene: Scene, tables: readonly TenantTable[], count: number, seed: number): Promise<number> {
  const { server, victim, strangers, leaks, tally } = scene;
  const { tenantId, userId } = strangers.principal;
  const victimTenantId = victim.team.id;
  const arbitrary = fc.tuple(
    fc.constantFrom(...tables),
    fc.constantFrom(...verbs),
    fc.integer({ min: 0, max: 2 ** 30 }),
  );
  const tries = fc.sample(arbitrary, { numRuns: count, seed });
  for (const [table, verb, salt] of tries) {
    const one = { table, verb, salt, victimTenantId };
    const { reached, refusal } = await tryTable(server.services.db, { tenantId, userId }, one);
    countOne(tally.tables, refusal ?? (reached > 0 ? 'rows' : 'no row'));
    if (reached > 0) leaks.add(`${verb} on ${table.name} reached ${reached} rows`);
  }
  return tries.length;
}

function around(text: string, leak: string): string {
  const at = text.indexOf(leak);
  return text.slice(Math.max(0, at - 60), at + leak.length + 20);
}

function firstDifference(before: string, after = ''): string {
  const known = new Set(before.split('\n'));
  return after.split('\n').find((row) => !known.has(row)) ?? 'rows are missing';
}

/** runTenantFuzz makes two organisations, tries, and compares the victim's rows before and after. */
export async function runTenantFuzz({
  tries,
  seed = 20_261_121,
  say = () => undefined,
}: TenantFuzzOptions): Promise<TenantFuzzReport> {
  const startedAt = performance.now();
  await using server = await startFuzzServer();
  const victim = await createOrganisation(server, await server.signUpOwner());
  await asAdmin(server.database, (query) => markProperty(query, victim.team.id));
  const removed = await removeSomebody(server, victim);
  const strangers = await Strangers.create(server, removed);
  const tables = await asAdmin(server.database, readTables);
  const known = removed.knows + vocabulary;
  const between = { victimId: victim.team.id, strangerId: strangers.principal.tenantId, known };
  const read = () => asAdmin(server.database, (query) => readProperty(query, tables, between));
  const property = await read();
  const tally: Tally = { byStatus: {}, byStranger: {}, aimedByStatus: {}, tables: {}, reached: new Set(), streams: 0 };
  const scene: Scene = { server, victim, property, strangers, tally, leaks: new Set() };
  const operations = await publishedOperations(server);
  const onTables = Math.floor(tries * shareOnTables);
  const mixed = interleave(operations, tries - onTables, seed);
  await tryAll(mixed, {
    attempt: (one) => attempt(scene, one),
    lookAfterCallers: () => strangers.renewLost(),
    say,
  });
  const tried = await tryTables(scene, tables, onTables, seed);
  const after = await read();
  for (const [name, digest] of property.digests)
    if (after.digests.get(name) !== digest)
      scene.leaks.add(
        `rows of the victim in ${name} were changed: ${firstDifference(digest, after.digests.get(name))}`,
      );
  return {
    tries: mixed.length + tried,
    overHttp: mixed.length,
    onTables: tried,
    routes: operations.length,
    tables: tables.length,
    secrets: property.ids.size + property.texts.length,
    byStatus: tally.byStatus,
    byStranger: tally.byStranger,
    aimedByStatus: tally.aimedByStatus,
    streams: tally.streams,
    onTablesByOutcome: tally.tables,
    neverReached: operations.map(({ id }) => id).filter((id) => !tally.reached.has(id)),
    leaks: [...scene.leaks],
    seconds: secondsSince(startedAt),
  };
}

if (import.meta.main)
  await runAsCommand(
    'tries',
    ({ count, ...options }) => runTenantFuzz({ tries: count, ...options }),
    ({ leaks }) => leaks,
  );
