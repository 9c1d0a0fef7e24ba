/** A server in a process of its own with an owner and a scripted model, which a test may stop, kill and start again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { createClient, type TestClient } from './client.ts';
import { createAgent, createConversation } from './agents-fixture.ts';
import { startModelServer, type ModelServer } from './model-server.ts';
import { strongPassword } from './server.ts';
import {
  findFreePort,
  findPostmaster,
  listChildren,
  startServerProcess,
  type ServerProcess,
} from './server-process.ts';
import { testSecrets } from './test-cluster.ts';

export interface WholeServerOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** A folder for an embedded database of its own; by default the run's cluster is used, as DATABASE_URL. */
  readonly dataDir?: string;
  /** Called with the URL of the database, for a test that stands between the two. */
  readonly throughUrl?: (url: string) => Promise<string>;
}

export interface WholeServer extends AsyncDisposable {
  readonly url: string;
  readonly client: TestClient;
  readonly models: ModelServer;
  readonly connectionId: string;
  /** The process that runs now. */
  readonly process: ServerProcess;
  readonly dataDir: string;
  /** Null with a database of its own. */
  readonly database: TestDatabase | null;
  /** Starts the process again, on the same port and data, once the one before has ended. */
  startAgain(): Promise<void>;
  /** A conversation with a new agent on this model of the scripted server. */
  converse(model: string): Promise<string>;
}

/** Tests call faster than people do. */
const roomyLimits = [
  'auth.setup',
  'auth.sign-in',
  'auth.sign-in-address',
  'kernel.refused',
  'agents.read',
  'agents.write',
  'agents.upload',
  'agents.conversation',
  'agents.chat',
  'runs.read',
  'runs.follow',
  'runs.cancel',
]
  .map((name) => `${name}=100000/60`)
  .join(',');

function killEverything(server: ServerProcess, dataDir: string): void {
  server.kill('SIGKILL');
  const postmaster = findPostmaster(dataDir);
  if (postmaster === null) return;
  for (const pid of [...listChildren(postmaster), postmaster]) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended while we looked.
    }
  }
}

/** startWholeServer starts everything and signs the owner up; `await using` ends it without a trace. */
export async function startWholeServer(options: WholeServerOptions = {}): Promise<WholeServer> {
  await using disposer = new AsyncDisposableStack();
  const dataDir =
    options.dataDir ??
    disposer.adopt(mkdtempSync(join(tmpdir(), `bulkhead-data-${process.pid}-`)), (folder) =>
      rmSync(folder, { recursive: true, force: true }),
    );
  const database = options.dataDir === undefined ? disposer.use(await createTestDatabase()) : null;
  const models = disposer.use(await startModelServer());
  const port = await findFreePort();
  const ownDatabase: Record<string, string> = database
    ? {
        DATABASE_URL: (await options.throughUrl?.(database.url)) ?? database.url,
        MASTER_KEY: testSecrets.masterKey,
        AUTH_SECRET: testSecrets.authSecret,
        DATABASE_POOL_SIZE: '5',
      }
    : {};
  const { LIMITS, ...environment } = { LIMITS: '', ...options.environment };
  const start = (): Promise<ServerProcess> =>
    startServerProcess({
      port,
      dataDir,
      environment: {
        ...ownDatabase,
        MODEL_PRIVATE_NETWORKS: '127.0.0.0/8',
        ...environment,
        LIMITS: [roomyLimits, LIMITS].filter(Boolean).join(','),
      },
    });
  let server = await start();
  disposer.defer(async () => {
    killEverything(server, dataDir);
    await server.exited;
  });
  const url = `http://127.0.0.1:${port}`;
  const client = createClient(url);
  const owner = { token: server.setupToken ?? '', name: 'Ada', email: 'ada@example.com', password: strongPassword };
  await client.expect(201, 'POST /setup', { body: owner });
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${models.url}/v1` };
  const connectionId: string = (await client.expect(201, 'POST /model-connections', { body })).json.id;
  const ending = disposer.move();
  return {
    url,
    client,
    models,
    connectionId,
    dataDir,
    database,
    get process() {
      return server;
    },
    async startAgain() {
      await server.exited;
      server = await start();
    },
    async converse(model) {
      const agent = await createAgent(client, { model: { connectionId, model } });
      return (await createConversation(client, agent.id)).id;
    },
    [Symbol.asyncDispose]: () => ending.disposeAsync(),
  };
}
