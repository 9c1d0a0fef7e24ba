/**
 * What a run may do is what its caller may do now: the role of today, within the scopes of the API key that started it.
 * Somebody who was switched off, put out or demoted, and a key that was revoked or has expired, act through no run.
 */
import type { Identity, Principal, SessionSubject, Standing } from '#kernel/auth';
import type { Policy } from '#kernel/http';
import type { Logger } from '#kernel/log';
import { runErrors } from './errors.ts';
import type { ClaimedRun } from './execute-run.ts';

/** CallerDeps is where runs ask what their callers may do. */
export interface CallerDeps {
  readonly identity: Pick<Identity, 'standingOf' | 'onChange'>;
  readonly policy: Policy;
}

/** How old an answer may be when a step begins; changes that are announced end a run at once. */
const freshMilliseconds = 10_000;

/** mayCall tells whether role and scopes of a caller hold a permission. */
export function mayCall(policy: Policy, { role, scopes }: Pick<Principal, 'role' | 'scopes'>, name: string): boolean {
  return policy.allows(role, name) && (scopes?.includes(name) ?? true);
}

/** intersect is null (no limit) only when neither side has one. */
function intersect(one: readonly string[] | null, other: readonly string[] | null): readonly string[] | null {
  if (one === null || other === null) return one ?? other;
  return one.filter((name) => other.includes(name));
}

/** CallerRights are the rights of one run's caller, asked for again when they may have changed. */
export class CallerRights {
  readonly #deps: CallerDeps;
  readonly #run: ClaimedRun;
  /** What the whole run needs. */
  readonly #permission: string;
  #principal: Principal | null = null;
  #askedAt = -Infinity;

  constructor(deps: CallerDeps, run: ClaimedRun, permission: string) {
    this.#deps = deps;
    this.#run = run;
    this.#permission = permission;
    // The request that accepted the run has just shown who asks, which spares a turn the question.
    if (run.role !== null) this.#take({ role: run.role, scopes: run.scopes });
  }

  #take(standing: Standing | null): void {
    this.#askedAt = performance.now();
    const { tenantId, ownerId: userId, runId, keyId, scopes } = this.#run;
    if (!standing) return void (this.#principal = null);
    const limit = intersect(scopes, standing.scopes);
    this.#principal = Object.freeze({
      userId,
      tenantId,
      role: standing.role,
      ...(limit === null ? {} : { scopes: Object.freeze(limit) }),
      via: Object.freeze({ kind: 'run' as const, runId, ...(keyId === null ? {} : { keyId }) }),
    });
  }

  /** The caller as it acts in the run. Throws RUN_NOT_ALLOWED when it may not act any more. */
  get principal(): Principal {
    if (!this.#principal) throw runErrors.RUN_NOT_ALLOWED();
    return this.#principal;
  }

  get runId(): string {
    return this.#run.runId;
  }

  #holds(permission: string): boolean {
    return this.#principal !== null && mayCall(this.#deps.policy, this.#principal, permission);
  }

  async #ask(): Promise<void> {
    const { tenantId, ownerId: userId, keyId } = this.#run;
    this.#take(await this.#deps.identity.standingOf({ tenantId, userId, keyId }));
  }

  /** Whether an announcement is about this run's caller. */
  isAbout(subject: SessionSubject): boolean {
    const { ownerId, keyId } = this.#run;
    return subject === `user:${ownerId}` || (keyId !== null && subject === `key:${keyId}`);
  }

  /** Asks anew, whatever is remembered, and tells whether the caller may still have the run go on. */
  async stillMay(): Promise<boolean> {
    await this.#ask();
    return this.#holds(this.#permission);
  }

  /** Throws RUN_NOT_ALLOWED unless the caller holds the permission, by an answer of the last seconds. */
  async assert(permission = this.#permission): Promise<void> {
    if (performance.now() - this.#askedAt >= freshMilliseconds) await this.#ask();
    if (!this.#holds(permission)) throw runErrors.RUN_NOT_ALLOWED({ extensions: { permission } });
  }
}

/** Callers are those of the runs that execute here. */
export interface Callers {
  enter(run: ClaimedRun, permission: string): CallerRights;
  leave(caller: CallerRights): void;
  /** Begins to end runs whose caller loses the right to them; returns what stops it. */
  watch(): () => void;
}

/** createCallers calls `end` for a run whose caller has just lost the right to it. */
export function createCallers(deps: CallerDeps & { readonly log: Logger }, end: (runId: string) => void): Callers {
  const present = new Set<CallerRights>();

  async function look(caller: CallerRights): Promise<void> {
    try {
      if (!(await caller.stillMay())) end(caller.runId);
    } catch (error) {
      deps.log.warn({ err: error, runId: caller.runId }, 'what a caller may do could not be asked; its next step asks');
    }
  }

  return {
    enter(run, permission) {
      const caller = new CallerRights(deps, run, permission);
      present.add(caller);
      return caller;
    },
    leave: (caller) => void present.delete(caller),
    watch: () =>
      deps.identity.onChange((subject) => {
        for (const caller of present) if (caller.isAbout(subject)) void look(caller);
      }),
  };
}
