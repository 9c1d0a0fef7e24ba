/** Health says whether this process lives, and whether it can do its work; it is never shed and never counted (K15.1). */
import type { FastifyInstance } from 'fastify';
import type { Services } from '#kernel/app';

export type CheckState = 'ok' | 'degraded' | 'down';

export interface Readiness {
  readonly status: CheckState | 'draining';
  readonly checks: Readonly<Record<string, CheckState>>;
}

const checkTimeoutMilliseconds = 2_000;
/** Readiness is asked by anybody who can reach us; one answer serves all for this long. */
const keepMilliseconds = 1_000;

/** answersHead is for what monitors and crawlers may ask for by HEAD, as they may for whatever GET answers (RFC 9110). */
export const answersHead = { exposeHeadRoute: true } as const;

/** mountHealth adds GET /livez and GET /readyz. `isDraining` makes a load balancer look elsewhere. */
export function mountHealth(server: FastifyInstance, services: Services, isDraining: () => boolean): void {
  const check = rememberFor(keepMilliseconds, () => checkReadiness(services));
  server.get('/livez', answersHead, async (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'ok' }),
  );
  server.get('/readyz', answersHead, async (_request, reply) => {
    const readiness: Readiness = isDraining() ? { status: 'draining', checks: {} } : await check();
    const isReady = readiness.status === 'ok' || readiness.status === 'degraded';
    return reply
      .code(isReady ? 200 : 503)
      .header('cache-control', 'no-store')
      .send(readiness);
  });
}

/** checkReadiness asks every part once. The limits' store may be down: the server counts by itself and only says so. */
export async function checkReadiness(services: Services): Promise<Readiness> {
  const [database, storage] = await Promise.all([
    isAlive(services.db.ping(checkTimeoutMilliseconds)),
    isAlive(services.storage.ping()),
  ]);
  const checks: Record<string, CheckState> = {
    database: database ? 'ok' : 'down',
    storage: storage ? 'ok' : 'down',
    jobs: services.jobs.isReady ? 'ok' : 'down',
    limits: services.limits.isDegraded ? 'degraded' : 'ok',
  };
  const states = Object.values(checks);
  const status = states.includes('down') ? 'down' : states.includes('degraded') ? 'degraded' : 'ok';
  // Told and not counted: a provider that is away, or one organisation's wrong address, takes no server out of service.
  const models: CheckState = services.llm.health().resting > 0 ? 'degraded' : 'ok';
  return { status, checks: { ...checks, models } };
}

async function isAlive(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), checkTimeoutMilliseconds);
  });
  try {
    return await Promise.race([
      work.then(
        () => true,
        () => false,
      ),
      deadline,
    ]);
  } finally {
    clearTimeout(timer);
  }
}

/** rememberFor gives everybody who asks within the time the same answer, also while it is being worked out. */
function rememberFor<T>(milliseconds: number, work: () => Promise<T>): () => Promise<T> {
  let last: { readonly at: number; readonly value: Promise<T> } | undefined;
  return () => {
    if (!last || performance.now() - last.at > milliseconds) last = { at: performance.now(), value: work() };
    return last.value;
  };
}
