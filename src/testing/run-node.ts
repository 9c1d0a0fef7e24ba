/** A node that executes runs against a test database: several in one test stand for several processes. */
import type { Services } from '#kernel/app';
import type { Database, TenantScope } from '#kernel/db';
import type { EventStream, EventWriter, ServerSentEvent } from '#kernel/http';
import { createExecutorRegistry } from '#kernel/jobs';
import { newId } from '#kernel/ids';
import type { Identity, Principal } from '#kernel/auth';
import { createPolicy } from '#kernel/http';
import { createRunService, type NewRun, type RunService, type RunWorkflow } from '#kernel/runs';
import { createLogger } from '#kernel/log';

export interface RunNode extends AsyncDisposable {
  readonly executorId: string;
  readonly runs: RunService;
  /** Stops all work and beating without a word, as a killed process would; what its bodies still do is fenced. */
  die(): Promise<void>;
}

/** testPermissions are what workflows of tests ask for; everybody holds them. */
export const testPermissions = { act: 'test.act', read: 'test.read' };

const held = Object.values(testPermissions);
const policy = createPolicy([
  {
    permissions: { 'test.act': 'Run tests', 'test.read': 'Follow tests' },
    policy: { owner: held, admin: held, member: held, viewer: ['test.read'] },
  },
]);

/** everybody stands as when they came; tests of rights bring their own. */
const everybody: Pick<Identity, 'standingOf' | 'onChange'> = {
  standingOf: async () => ({ role: 'owner', scopes: null }),
  onChange: () => () => undefined,
};

/** callerOf is a signed-in person of this scope. */
export function callerOf({ tenantId, userId }: TenantScope): Principal {
  if (!userId) throw new Error('a caller is a person');
  return { tenantId, userId, role: 'owner', via: { kind: 'session', sessionId: newId(), provedAt: 0 } };
}

/** startRunNode opens a run service with these workflows. */
export async function startRunNode(
  db: Database,
  workflows: readonly RunWorkflow<never>[],
  role: 'all' | 'web' | 'worker' = 'all',
  identity = everybody,
): Promise<RunNode> {
  const log = createLogger({ level: 'silent' });
  const registry = createExecutorRegistry({ db, log, role });
  await registry.register();
  const services = () => ({ runs }) as Services;
  const runs: RunService = createRunService({
    db,
    log,
    registry,
    role,
    services,
    identity,
    policy,
    workflows: workflows as unknown as readonly RunWorkflow[],
  });
  await runs.open();
  let isDead = false;
  return {
    executorId: registry.id,
    runs,
    async die() {
      isDead = true;
      await registry.close();
      runs.close();
    },
    async [Symbol.asyncDispose]() {
      if (!isDead) {
        await runs.drain(0);
        runs.close();
        await registry.close();
      }
    },
  };
}

/** newPerson is a scope nobody else has. */
export function newPerson(): TenantScope & { readonly userId: string } {
  return { tenantId: newId(), userId: newId() };
}

/** acceptRun accepts and starts a run as a route would. */
export async function acceptRun(
  db: Database,
  node: RunNode,
  scope: TenantScope,
  run: Partial<NewRun> & Pick<NewRun, 'workflow'>,
): Promise<string> {
  const full = { caller: callerOf(scope), input: {}, exclusiveKey: newId(), subject: 'test', ...run };
  const { id } = await db.withTenant(scope, (tx) => node.runs.accept(tx, full));
  node.runs.start(id);
  return id;
}

/** Collected is what a client received: every frame, in order of arrival. */
export interface Collected {
  readonly events: ServerSentEvent[];
  /** Resolves when the stream is over. */
  readonly over: Promise<void>;
  /** Resolves once a frame satisfies the predicate; rejects after 15 s. */
  until(predicate: (event: ServerSentEvent) => boolean): Promise<void>;
  disconnect(): void;
}

/** collectStream reads an event stream as a client with a fast network would. */
export function collectStream(stream: EventStream): Collected {
  const events: ServerSentEvent[] = [];
  const waiting = new Set<() => void>();
  const controller = new AbortController();
  const writer: EventWriter = {
    write(frames) {
      events.push(...frames);
      for (const wake of waiting) wake();
    },
    bufferedBytes: 0,
    drained: async () => undefined,
  };
  const over = stream.open(writer, controller.signal);
  return {
    events,
    over,
    disconnect: () => controller.abort(),
    until(predicate) {
      return new Promise((resolve, reject) => {
        const timeout = setTimeout(() => {
          waiting.delete(check);
          reject(new Error(`no such event within 15 s; got ${events.map((event) => event.event).join(' ')}`));
        }, 15_000);
        const check = () => {
          if (!events.some(predicate)) return;
          clearTimeout(timeout);
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      });
    },
  };
}
