/** A test gets a whole server on a real database and a real port, people who are signed in, and nothing to clean up. */
import type { Services } from '#kernel/app';
import { createSetupLink, type Principal } from '#kernel/auth';
import type { StreamLimits } from '#kernel/http/server';
import type { Logger } from '#kernel/log';
import { composeBulkhead, type Bulkhead, type ComposeOptions } from '../compose.ts';
import { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './database.ts';
import { createClient, type TestClient } from './client.ts';
import { silentLog } from './test-cluster.ts';

export interface TestServerOptions extends Pick<ComposeOptions, 'apps' | 'webFolder'> {
  /** More settings, by environment name, such as `{ LIMITS: 'agents.chat=1/60' }`. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly kind?: TestDatabaseOptions['kind'];
  readonly log?: Logger;
  readonly streamLimits?: StreamLimits;
}

/** Tenant is a signed-in owner of an organisation. */
export interface Tenant {
  readonly client: TestClient;
  readonly principal: Principal;
}

export interface TestServer extends AsyncDisposable {
  readonly url: string;
  readonly services: Services;
  readonly bulkhead: Bulkhead;
  readonly database: TestDatabase;
  /** Nobody: no cookie. */
  readonly anonymous: TestClient;
  /** Creates the owner by the setup link; call it once, before secondTenant. */
  signUpOwner(): Promise<Tenant>;
  /** Signs up a stranger with an organisation of its own. */
  secondTenant(): Promise<Tenant>;
}

/** Tests call faster than people do; a test of a limit sets its own. */
const roomyLimits = [
  'auth.sign-in',
  'auth.sign-in-address',
  'auth.sign-up',
  'auth.sign-up-form',
  'auth.setup',
  'auth.settings',
  'kernel.refused',
]
  .map((name) => `${name}=100000/60`)
  .join(',');

/** startTestServer starts a composed server; `await using` ends it and drops its database. */
export async function startTestServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { environment = {}, log = silentLog, kind, ...composing } = options;
  const database = await createTestDatabase({
    log,
    ...(kind ? { kind } : {}),
    environment: {
      SIGN_UP: 'open',
      DRAIN_SECONDS: '1',
      ...environment,
      LIMITS: [roomyLimits, environment['LIMITS']].filter(Boolean).join(','),
    },
  });
  try {
    const bulkhead = await composeBulkhead({ ...composing, config: database.config, log });
    const { url } = await bulkhead.listen();
    return describeServer(url.replace('localhost', '127.0.0.1'), bulkhead, database);
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

function describeServer(url: string, bulkhead: Bulkhead, database: TestDatabase): TestServer {
  const { services } = bulkhead;
  let strangers = 0;

  async function toTenant(client: TestClient): Promise<Tenant> {
    const principal = await services.identity.resolve({ cookie: client.cookie });
    if (!principal) throw new Error('signing up gave no session');
    return { client, principal };
  }

  return {
    url,
    services,
    bulkhead,
    database,
    anonymous: createClient(url),
    async signUpOwner() {
      const link = await createSetupLink({ db: services.db, config: services.config });
      if (!link) throw new Error('the owner exists already');
      const token = new URL(link).hash.replace('#token=', '');
      const client = createClient(url);
      await client.expect(201, 'POST /setup', {
        body: { token, name: 'Ada Lovelace', email: 'ada@example.com', password: strongPassword },
      });
      return toTenant(client);
    },
    async secondTenant() {
      strangers += 1;
      const client = createClient(url);
      const person = {
        name: `Stranger ${strangers}`,
        email: `stranger${strangers}@example.org`,
        password: strongPassword,
      };
      await client.expect(201, 'POST /auth/sign-up', { body: person });
      return toTenant(client);
    },
    async [Symbol.asyncDispose]() {
      try {
        await assertActionsAreDeclared(services);
      } finally {
        await bulkhead.drain();
        await bulkhead.close();
        await database[Symbol.asyncDispose]();
      }
    },
  };
}

/** assertActionsAreDeclared makes every test of a server one of its audit trail: whatever was recorded has a label (K7.2). */
async function assertActionsAreDeclared({ audit, db }: Services): Promise<void> {
  const recorded = await db
    .withSystem('look at what was recorded', (tx) =>
      tx.query<{ action: string }>({ text: 'select distinct action from kernel.audit_records' }),
    )
    .catch(() => []); // the test took its database away
  const modules = new Set(Object.keys(audit.actions).map((action) => action.split('.')[0]));
  // Tests of the trail itself record acts of their own, in the name of no module.
  const missing = recorded.filter(
    ({ action }) => modules.has(action.split('.')[0]) && !Object.hasOwn(audit.actions, action),
  );
  if (missing.length === 0) return;
  throw new Error(
    `declare in auditActions what people are shown for: ${missing.map(({ action }) => action).join(', ')}`,
  );
}

/** strongPassword passes every rule of the default policy. */
export const strongPassword = 'Ärger mit 7 Zwergen!';
