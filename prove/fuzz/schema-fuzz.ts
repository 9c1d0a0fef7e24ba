/**
 * The published document is taken at its word: requests made from its schemas, right and spoilt, must never make the
 * server fail (5xx), and every answer must be one that the document declares.
 *
 *   node prove/fuzz/schema-fuzz.ts --requests 20000 --seed 1
 */
import { setTimeout as pause } from 'node:timers/promises';
import fc from 'fast-check';
import { newId } from '#kernel/ids';
import { startModelServer } from '#testing/model-server';
import type { Samples } from '../../src/testing/generated/sample-resources.ts';
import { addMember, createLink } from '../../src/testing/team-fixture.ts';
import { strongPassword, type Tenant, type TestServer } from '#testing/server';
import { arbitraryFromSchema, fillMarks, junk, spoil } from './arbitrary-from-schema.ts';
import { areWell, callerFor, createCallers, nobodyOf, type Callers } from './callers.ts';
import { countOne, secondsSince, type Counts } from './figures.ts';
import { publishedOperations, startFuzzServer } from './fuzz-server.ts';
import { judgeAnswer, type Operation } from './operations.ts';
import { Renewal } from './renewal.ts';
import { runAsCommand } from './run-as-command.ts';
import {
  decodeMarks,
  encodeBody,
  requestFor,
  send,
  textOf,
  type FuzzAnswer,
  type FuzzRequest,
  type Sender,
} from './send.ts';
import { createOrganisation } from './strangers.ts';
import { mixLists, tryAll, type Say } from './try-all.ts';

export interface SchemaFuzzOptions {
  readonly requests: number;
  /** The same seed makes the same requests. */
  readonly seed?: number;
  readonly say?: Say;
}

export interface SchemaFuzzReport {
  readonly requests: number;
  readonly operations: number;
  readonly seed: number;
  readonly byStatus: Readonly<Record<string, number>>;
  /** How many requests went through to a success, per hundred. */
  readonly accepted: number;
  /** Operations that no request got through to. */
  readonly neverAccepted: readonly string[];
  /** The answer that took longest. */
  readonly slowest: { readonly operation: string; readonly milliseconds: number };
  readonly serverErrors: number;
  /** Distinct descriptions of what went against the document, with an example each. */
  readonly faults: readonly string[];
  readonly seconds: number;
}

/** How a request is made: as declared, with one place spoilt, as junk, or by a stranger. */
type Manner = 'right' | 'spoilt' | 'junk' | 'stranger';

interface Try {
  readonly operation: Operation;
  readonly manner: Manner;
  readonly params: Readonly<Record<string, unknown>>;
  readonly query: Readonly<Record<string, unknown>>;
  readonly body: unknown;
  /** Chooses who calls, and which file is uploaded. */
  readonly turn: number;
}

const manners = fc.oneof(
  { weight: 11, arbitrary: fc.constant<Manner>('right') },
  { weight: 5, arbitrary: fc.constant<Manner>('spoilt') },
  { weight: 2, arbitrary: fc.constant<Manner>('junk') },
  { weight: 2, arbitrary: fc.constant<Manner>('stranger') },
);

/** Junk in a path is a text without a slash, so that the same route is meant. */
const pathJunk = fc.constantFrom('x', "';--", '%00', '00000000-0000-0000-0000-00000000000g', '9'.repeat(300), '..%2f');

function triesOf(operation: Operation, count: number, seed: number): Try[] {
  const body = operation.body ? arbitraryFromSchema(operation.body) : fc.constant(null);
  const query = arbitraryFromSchema(operation.query) as fc.Arbitrary<Record<string, unknown>>;
  const params = arbitraryFromSchema(operation.params) as fc.Arbitrary<Record<string, unknown>>;
  const one = manners.chain((manner) => {
    const spoilt = manner === 'spoilt';
    return fc.record({
      operation: fc.constant(operation),
      manner: fc.constant(manner),
      params: spoilt ? fc.oneof(params, spoilPath(params)) : params,
      query: spoilt ? query.chain((value) => fc.oneof(fc.constant(value), spoil(value))) : query,
      body: manner === 'junk' ? junk : spoilt ? body.chain(spoil) : body,
      turn: fc.noBias(fc.nat({ max: 9_999 })),
    }) as fc.Arbitrary<Try>;
  });
  return fc.sample(one, { numRuns: count, seed });
}

function spoilPath(params: fc.Arbitrary<Record<string, unknown>>): fc.Arbitrary<Record<string, unknown>> {
  return fc
    .tuple(params, pathJunk)
    .map(([value, bad]) => Object.fromEntries(Object.keys(value).map((name) => [name, bad])));
}

function queryText(query: unknown): string {
  if (typeof query !== 'object' || query === null) return `?${String(query).slice(0, 500).toWellFormed()}`;
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, textOf(value));
  }
  const text = search.toString();
  return text ? `?${text}` : '';
}

function requestOf({ operation, manner, params, query, body, turn }: Try, idOf: (name: string) => string): FuzzRequest {
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const given = params[name];
    const value = typeof given === 'string' ? given : newId();
    return value.includes('%') ? value : encodeURIComponent(value.toWellFormed());
  });
  const hasBody = operation.body !== null || (manner === 'junk' && operation.method !== 'GET');
  return requestFor(operation, {
    path: fillMarks(decodeMarks(path + queryText(query)), idOf),
    accept: 'application/json, text/event-stream;q=0.5, */*;q=0.1',
    text: hasBody ? fillMarks(encodeBody(operation, body), idOf) : null,
    ...(manner === 'junk' && body === null ? { contentType: 'text/plain' } : {}),
    turn,
  });
}

/** Actor is the person who fuzzes; what they do may sign them out or delete what they have, so they are renewed. */
class Actor {
  samples: Samples;
  callers: Callers;
  readonly #server: TestServer;
  readonly #partnerUrl: string;
  readonly #renewal = new Renewal(() => this.#renew(3));
  #renewals = 0;

  private constructor(server: TestServer, partnerUrl: string, prepared: Prepared) {
    this.#server = server;
    this.#partnerUrl = partnerUrl;
    this.samples = prepared.samples;
    this.callers = prepared.callers;
  }

  static async create(server: TestServer, partnerUrl: string, tenant: Tenant): Promise<Actor> {
    return new Actor(server, partnerUrl, await prepare(server, tenant, partnerUrl, 0));
  }

  /** renew makes a new person with everything new; callers at the same time share one. */
  renew(): Promise<void> {
    return this.#renewal.run();
  }

  /** What is still on its way from the one before may spoil an attempt, by switching things off for everybody. */
  async #renew(attempts: number): Promise<void> {
    const tenant = await this.#server.secondTenant();
    await makeOperator(this.#server, tenant);
    await resetFlags(tenant);
    try {
      const prepared = await prepare(this.#server, tenant, this.#partnerUrl, ++this.#renewals);
      this.samples = prepared.samples;
      this.callers = prepared.callers; // only now: nobody else may sign them out before
    } catch (error) {
      if (attempts <= 1) throw error;
      await this.#renew(attempts - 1);
    }
  }

  /** ready resolves when nobody is being renewed. */
  ready(): Promise<void> {
    return this.#renewal.ended();
  }

  async isWell(): Promise<boolean> {
    const path = `GET /agents/${this.samples['agentId']}`;
    const agent = await this.callers.browser.sendRaw(path, {}, null);
    await agent.body?.cancel();
    return agent.status === 200 && (await areWell(this.callers));
  }

  readonly idOf = (name: string): string =>
    name === 'partnerUrl' ? `${this.#partnerUrl}/v1` : (this.samples[name] ?? newId());
}

interface Prepared {
  readonly samples: Samples;
  readonly callers: Callers;
}

/**
 * prepare makes a team with another member and one of everything, with a model endpoint that answers and a proved domain
 * for the directory's people.
 */
async function prepare(server: TestServer, tenant: Tenant, partnerUrl: string, number: number): Promise<Prepared> {
  const { owner, samples, team } = await createOrganisation(server, tenant);
  const { principal: member } = await addMember(server, team, 'member');
  const token = await createLink(team, 'viewer');
  const body = { name: 'Partner', kind: 'openai-compatible', baseUrl: `${partnerUrl}/v1` };
  const connection = await tenant.client.expect(201, 'POST /model-connections', { body });
  const callers = await createCallers(server, owner, samples, strongPassword);
  const domain = `fuzz${number}.example.net`;
  await server.services.db.withAuth((tx) =>
    tx.query({
      text: `update auth.sso_domains set domain = $2, verified_at = now(), verified_by = 'dns' where id = $1`,
      values: [samples['ssoDomainId'], domain],
    }),
  );
  const { identifier, refreshToken } = callers;
  const passwords = { password: strongPassword, currentPassword: strongPassword };
  const words = { scopes: 'agents.agent.read', kind: 'account.security' };
  const known = { domain, token, memberId: member.userId, identifier, refreshToken, ...passwords, ...words };
  return { samples: { ...samples, ...known, connectionId: connection.json.id }, callers };
}

/** The routes of who runs the server are fuzzed like the others. */
async function makeOperator(server: TestServer, { principal }: Tenant): Promise<void> {
  await server.services.db.withAuth(async (tx) => {
    const values = [principal.userId];
    await tx.query({ text: 'update auth.users set is_operator = true where id = $1', values });
    await tx.query({ text: `select pg_notify('bulkhead_sessions', 'user:' || $1::text)`, values });
  });
}

/** What was fuzzed may have been switched off for everybody. */
async function resetFlags({ client }: Tenant): Promise<void> {
  const body = { rolloutPercent: null };
  for (const deadline = Date.now() + 10_000; ; await pause(50)) {
    const { json, status } = await client.ask('GET /admin/flags'); // 403 until every part has heard who the operator is
    if (status === 200)
      for (const { name } of json.flags as { name: string }[])
        await client.expect(200, `PUT /admin/flags/${name}`, { body });
    if (status === 200 || Date.now() > deadline) return;
  }
}

class Findings {
  readonly byStatus: Counts = {};
  readonly faults = new Map<string, string>();
  readonly acceptedOperations = new Set<string>();
  slowest = { operation: '', milliseconds: 0 };
  requests = 0;
  accepted = 0;
  serverErrors = 0;

  note({ operation }: Try, request: FuzzRequest, answer: FuzzAnswer): void {
    this.requests += 1;
    countOne(this.byStatus, answer.status);
    if (answer.status >= 200 && answer.status < 400) {
      this.accepted += 1;
      this.acceptedOperations.add(operation.id);
    }
    if (answer.milliseconds > this.slowest.milliseconds)
      this.slowest = { operation: operation.id, milliseconds: answer.milliseconds };
    const isFailure = answer.status >= 500 || answer.status === 0;
    if (isFailure) this.serverErrors += 1;
    const complaint = isFailure
      ? `${answer.status}: ${answer.text.slice(0, 200)}`
      : judgeAnswer(operation, answer.status, answer.contentType, answer.text);
    if (complaint === null) return;
    const example = `${request.method} ${request.path.slice(0, 200)} ${typeof request.body === 'string' ? request.body.slice(0, 300) : ''}`;
    const key = `${operation.id}: ${complaint.replaceAll(/[0-9a-f-]{36}/g, '<id>')}`.slice(0, 400);
    if (!this.faults.has(key)) this.faults.set(key, example);
  }
}

interface Scene {
  readonly actor: Actor;
  readonly stranger: Sender;
  readonly findings: Findings;
}

async function attempt({ actor, stranger, findings }: Scene, one: Try): Promise<void> {
  await actor.ready();
  const { callers } = actor;
  const caller = callerFor(one.operation, one.turn % 10);
  const request = requestOf(one, actor.idOf);
  const answer = await send(one.manner === 'stranger' ? stranger : callers[caller], request);
  findings.note(one, request, answer);
  const isLost = answer.status === 401 && one.manner !== 'stranger' && !one.operation.isPublic;
  if (isLost && caller === 'browser' && callers === actor.callers) await actor.renew();
}

/** runSchemaFuzz sends `requests` requests to a server of its own and says what it found. */
export async function runSchemaFuzz({
  requests,
  seed = 20_261_121,
  say = () => undefined,
}: SchemaFuzzOptions): Promise<SchemaFuzzReport> {
  const startedAt = performance.now();
  // The others that a request may make the server talk to are there and answer: what fails then is our own fault.
  await using partner = await startModelServer();
  const networks = { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8', OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8' };
  await using server = await startFuzzServer(networks);
  const owner = await server.signUpOwner();
  const operations = await publishedOperations(server);
  const actor = await Actor.create(server, partner.url, owner);
  const findings = new Findings();
  const scene = { actor, stranger: nobodyOf(server), findings };
  await tryAll(interleave(operations, requests, seed), {
    attempt: (one) => attempt(scene, one),
    lookAfterCallers: async () => {
      if (!(await actor.isWell())) await actor.renew();
    },
    say,
  });
  return {
    requests: findings.requests,
    operations: operations.length,
    seed,
    byStatus: findings.byStatus,
    accepted: Math.round((findings.accepted / findings.requests) * 100),
    neverAccepted: operations.map(({ id }) => id).filter((id) => !findings.acceptedOperations.has(id)),
    slowest: findings.slowest,
    serverErrors: findings.serverErrors,
    faults: [...findings.faults].map(([fault, example]) => `${fault} | ${example}`),
    seconds: secondsSince(startedAt),
  };
}

/** Operations that end the session or the account are tried less often: each costs a new person. */
const costly = /sign-out|revoke-others|account\.delete|\.delete-account|leave/;

function interleave(operations: readonly Operation[], requests: number, seed: number): Try[] {
  const each = Math.ceil((requests * 1.1) / operations.length);
  const lists = operations.map((operation, index) =>
    triesOf(operation, costly.test(operation.id) ? Math.min(each, 8) : each, seed + index),
  );
  return mixLists(lists).slice(0, requests);
}

if (import.meta.main)
  await runAsCommand(
    'requests',
    ({ count, ...options }) => runSchemaFuzz({ requests: count, ...options }),
    ({ faults }) => faults,
  );
