/** A support visit reads and never writes, and the organisation's trail says what was read (K17.4). */
import type { FastifyRequest } from 'fastify';
import type { Services } from '#kernel/app';
import { describeDevice, type Principal } from '#kernel/auth';
import type { Route } from '../types.ts';
import { clientAddressOf } from './client-address.ts';
import { stateOf } from './request-state.ts';

/** A page asks for the same thing again and again; once in this time is one record. */
const recordEveryMilliseconds = 10 * 60_000;
const maxRemembered = 5_000;

/** isWriteOfVisit is true for whatever a visit may not do, which is all but reading and its own end. */
export function isWriteOfVisit(route: Pick<Route, 'key' | 'endsVisit'>, principal: Principal | null): boolean {
  return principal?.via.kind === 'support' && !route.key.startsWith('GET ') && route.endsVisit !== true;
}

const recorded = new WeakMap<Services, Map<string, number>>();

/** wasRecorded tells whether this process has recorded the same a while ago, and notes it otherwise. */
function wasRecorded(services: Services, key: string): boolean {
  const known = recorded.get(services) ?? new Map<string, number>();
  recorded.set(services, known);
  const now = performance.now();
  const last = known.get(key);
  if (last !== undefined && now - last < recordEveryMilliseconds) return true;
  known.delete(key); // to the young end
  known.set(key, now);
  const [oldest] = known.keys();
  if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest);
  return false;
}

/**
 * recordVisit writes what a visit reads into the trail of the organisation, before it is read: what cannot be recorded is
 * not shown. Does nothing for everybody else.
 */
export async function recordVisit(
  services: Services,
  route: Route,
  principal: Principal | null,
  request: FastifyRequest,
): Promise<void> {
  if (principal?.via.kind !== 'support' || route.endsVisit) return;
  const [path = ''] = request.url.split('?');
  const key = `${principal.via.grantId} ${principal.via.sessionId} ${path}`;
  if (wasRecorded(services, key)) return;
  const { tenantId } = principal;
  try {
    await services.db.withTenant({ tenantId }, (tx) =>
      services.audit.record(tx, {
        action: 'support.visit.read',
        resource: `path:${path}`,
        details: { operation: route.id },
        actor: principal,
        tenantId,
        address: clientAddressOf(request),
        requestId: stateOf(request).requestId,
        device: describeDevice(request.headers['user-agent'] ?? ''),
      }),
    );
  } catch (error) {
    recorded.get(services)?.delete(key);
    throw error;
  }
}
