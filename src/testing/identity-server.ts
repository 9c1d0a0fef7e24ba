/** A real HTTP server with only the modules identity needs, on a real database; the clock may be scripted. */
import type { AddressInfo } from 'node:net';
import { createAuditLog } from '#kernel/audit';
import {
  authPermissions,
  authPolicy,
  createIdentity,
  createSetupLink,
  routes,
  type Identity,
  type IdentityOptions,
} from '#kernel/auth';
import type { Services } from '#kernel/app';
import type { Logger } from '#kernel/log';
import { createPolicy } from '#kernel/http';
import { createHttpServer } from '#kernel/http/server';
import { createIdempotency } from '#kernel/idempotency';
import { createLimiter, type Limiter } from '#kernel/limits';
import { createNotificationService, kernelNotificationKinds } from '#kernel/notifications';
import { createSecretBox } from '#kernel/secrets';
import { migrationSources } from '../migration-sources.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { silentLog } from './test-cluster.ts';
import type { Answer as TestAnswer } from './client.ts';

export interface IdentityServerOptions extends Pick<IdentityOptions, 'hashing' | 'now' | 'listApps'> {
  readonly environment?: Readonly<Record<string, string>>;
  readonly log?: Logger;
}

/** Answer is what a browser would see, with the cookies apart. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly cookies: readonly string[];
  /** The body as JSON; `any`, because tests say what they expect of it. */
  readonly json: TestAnswer['json'];
}

export interface Asking {
  readonly cookie?: string;
  /** Sent as `Authorization: Bearer`, without what only browsers send. */
  readonly bearer?: string;
  /** Leaves out what only browsers send. */
  readonly isProgram?: boolean;
  /** Of the body; `application/json` unless told. */
  readonly contentType?: string;
  readonly body?: unknown;
  readonly userAgent?: string;
  /** Sec-Fetch-Site; `same-origin` unless told. */
  readonly site?: string;
  /** What a trusted proxy says the client's address is. */
  readonly address?: string;
  /** Fields besides. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface IdentityServer extends AsyncDisposable {
  readonly test: TestDatabase;
  readonly identity: Identity;
  readonly limits: Limiter;
  readonly services: Services;
  /** Sends `METHOD /path` (under /api/v1) as a browser on the same origin would. */
  ask(route: string, asking?: Asking): Promise<Answer>;
  /** A client address nobody has used yet, so that the limits of one test do not reach into another. */
  newAddress(): string;
  /** Signs up `name` as `<name>@example.com` with `owner.password`, from an address of its own. */
  signUp(name: string, more?: Readonly<Record<string, unknown>>): Promise<Answer>;
  /** Signs in, from an address of its own unless told. */
  signIn(identifier: string, password?: string, address?: string): Promise<Answer>;
  /** Runs a statement as bulkhead_auth. */
  asAuth<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** The audited actions in the personal organisation of an account, oldest first. */
  auditActions(email: string): Promise<string[]>;
  /** Creates the owner by a fresh setup link and returns the Cookie header of the session. */
  createOwner(person?: Partial<typeof owner>): Promise<string>;
}

export const owner = { name: 'Ada Lovelace', email: 'ada@example.com', password: 'Ärger mit 7 Zwergen' };

/** What identity itself permits, when a test names no applications. */
const itself = {
  id: 'kernel',
  title: '',
  tagline: '',
  isShown: false,
  permissions: authPermissions,
  policy: authPolicy,
};

const neededModules = new Set(['db', 'auth', 'limits', 'audit', 'idempotency', 'secrets', 'notifications']);

/** cookieHeader makes of Set-Cookie values what the browser sends back. */
export function cookieHeader(cookies: readonly string[]): string {
  return cookies.map((cookie) => cookie.split(';')[0]).join('; ');
}

/** Notices are written and stay where they are: nothing here passes them on. */
const unsent = { queue: () => Promise.reject(new Error('this server sends nothing')) };

/** startIdentityServer listens on a free port of the loopback address; `await using` ends everything. */
export async function startIdentityServer(options: IdentityServerOptions = {}): Promise<IdentityServer> {
  const log = options.log ?? silentLog;
  const test = await createTestDatabase({
    environment: { TRUSTED_PROXIES: '127.0.0.0/8', SIGN_UP: 'open', ...options.environment },
    migrations: migrationSources.filter(({ module }) => neededModules.has(module)),
    log,
  });
  const { db, config } = test;
  const identity = await createIdentity({ listApps: () => [itself], ...options, db, config, log });
  // A patient store: on a busy test machine a limit must not be counted twice because an answer was late.
  const limits = await createLimiter({ config, db, log, storeTimeoutMilliseconds: 10_000 });
  const parts = {
    config,
    log,
    db,
    identity,
    limits,
    audit: createAuditLog({ db }),
    secrets: createSecretBox({ masterKey: config.masterKey }),
    notifications: createNotificationService({
      db,
      config,
      log,
      mail: unsent,
      push: unsent,
      kinds: kernelNotificationKinds,
    }),
    mail: { isConfigured: false },
    storage: { ping: async () => undefined },
  };
  const services = parts as unknown as Services; // the parts that these routes never touch are absent
  const server = await createHttpServer(services, routes, {
    policy: createPolicy([{ permissions: authPermissions, policy: authPolicy }]),
    idempotency: createIdempotency({ db }),
    version: '0',
    webFolder: '/nonexistent',
  });
  await server.fastify.listen({ host: '127.0.0.1', port: 0 });
  const origin = `http://127.0.0.1:${(server.fastify.server.address() as AddressInfo).port}`;

  async function ask(route: string, asking: Asking = {}): Promise<Answer> {
    const [method = 'GET', path = '/'] = route.split(' ');
    const response = await fetch(`${origin}/api/v1${path}`, {
      method,
      headers: {
        ...(asking.bearer ? { authorization: `Bearer ${asking.bearer}` } : {}),
        ...(asking.bearer || asking.isProgram ? {} : { 'sec-fetch-site': asking.site ?? 'same-origin' }),
        'user-agent': asking.userAgent ?? 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        ...(asking.cookie ? { cookie: asking.cookie } : {}),
        ...(asking.address ? { 'x-forwarded-for': asking.address } : {}),
        ...(asking.body === undefined ? {} : { 'content-type': asking.contentType ?? 'application/json' }),
        ...asking.headers,
      },
      body: asking.body === undefined ? undefined : JSON.stringify(asking.body),
    });
    const text = await response.text();
    const json: unknown = text.startsWith('{') ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json, cookies: response.headers.getSetCookie() };
  }

  let addresses = 0;
  const newAddress = (): string => `198.18.${(addresses += 1) >> 8}.${addresses & 255}`;
  const asAuth = <Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> =>
    db.withAuth((tx) => tx.query<Row>({ text, values }));

  return {
    test,
    identity,
    newAddress,
    asAuth,
    signUp(name, more = {}) {
      const body = { name, email: `${name.toLowerCase()}@example.com`, password: owner.password, ...more };
      return ask('POST /auth/sign-up', { body, address: newAddress() });
    },
    signIn: (identifier, password = owner.password, address = newAddress()) =>
      ask('POST /auth/sign-in', { body: { identifier, password }, address }),
    async auditActions(email) {
      const rows = await asAuth<{ action: string }>(
        `select r.action from kernel.audit_records r join auth.organizations o on o.id = r.tenant_id
         join auth.users u on u.id = o.personal_user_id where u.email = $1 order by r.sequence`,
        [email],
      );
      return rows.map((row) => row.action);
    },
    limits,
    services,
    ask,
    async createOwner(person = {}) {
      const link = await createSetupLink({ db, config });
      const token = link?.split('#token=')[1];
      const answer = await ask('POST /setup', { body: { ...owner, ...person, token } });
      if (answer.status !== 201) throw new Error(`setting up failed: ${answer.text}`);
      return cookieHeader(answer.cookies);
    },
    async [Symbol.asyncDispose]() {
      await server.fastify.close();
      await identity.close();
      await limits.close();
      await test[Symbol.asyncDispose]();
    },
  };
}
