/** An API key reaches the runs it started itself, and of its person's other runs those its scopes hold the permission for. */
import type { Principal } from '#kernel/auth';
import type { Database } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import type { Policy } from '#kernel/http';
import { mayCall } from './caller-rights.ts';
import { findReach, keyOf } from './run-rows.ts';
import type { RunPermissions, RunWorkflow } from './types.ts';

interface ReachDeps {
  readonly db: Database;
  readonly policy: Policy;
  readonly workflows: ReadonlyMap<string, RunWorkflow>;
}

/** assertReach throws FORBIDDEN for a run beyond the caller's scopes, and NOT_FOUND when their person has no such run. */
export async function assertReach(
  { db, policy, workflows }: ReachDeps,
  caller: Principal,
  runId: string,
  act: keyof RunPermissions,
): Promise<void> {
  if (!caller.scopes) return; // people reach their own runs: row-level security sees to it
  const scope = { tenantId: caller.tenantId, userId: caller.userId };
  const run = await db.withTenant(scope, (tx) => findReach(tx, scope, runId));
  if (!run) throw kernelErrors.NOT_FOUND();
  if (run.key_id !== null && run.key_id === keyOf(caller)) return;
  const permission = workflows.get(run.workflow)?.permissions[act];
  if (permission !== undefined && mayCall(policy, caller, permission)) return;
  const detail = 'This key was not given the permission for this.';
  throw kernelErrors.FORBIDDEN({ detail, ...(permission === undefined ? {} : { extensions: { permission } }) });
}
