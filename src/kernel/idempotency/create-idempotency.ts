/**
 * However many requests carry the same key, on however many processes, and whichever of them dies: at most one takes
 * effect. The claim is a unique row; the effect is fenced by confirming the claim in the act's own transaction.
 */
import type { Database, Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import { idempotencyErrors } from './errors.ts';
import type { Beginning, BeginOptions, Idempotency, IdempotencyScope, StoredAnswer, Ticket } from './types.ts';

export interface IdempotencyOptions {
  readonly db: Pick<Database, 'withTenant' | 'withSystem'>;
  /** After this a request that has neither confirmed nor finished counts as crashed. Default 60. */
  readonly leaseSeconds?: number;
  /** How long an answer is kept. Default 86,400. */
  readonly keepSeconds?: number;
}

interface KeyRow {
  readonly id: string;
  readonly request_hash: string;
  readonly state: 'running' | 'committed' | 'answered';
  readonly lease_id: string;
  readonly is_lease_over: boolean;
  readonly is_expired: boolean;
  readonly answer_status: number | null;
  readonly answer_headers: Record<string, string> | null;
  readonly answer_body: string | null;
}

/** Longer answers are not kept: the key then stays confirmed and a repetition hears IDEMPOTENCY_ANSWER_LOST. */
const longestAnswerCharacters = 1_000_000;
const prunedPerRound = 5_000;

const claimSql = `
  insert into kernel.idempotency_keys
    (id, tenant_id, owner_id, route, key, request_hash, state, lease_id, lease_expires_at, expires_at)
  values ($1, $2, $3, $4, $5, $6, 'running', $7,
    clock_timestamp() + make_interval(secs => $8), clock_timestamp() + make_interval(secs => $9))
  on conflict (tenant_id, owner_id, route, key) do nothing
  returning id`;

const findSql = `
  select id, request_hash, state, lease_id, lease_expires_at <= clock_timestamp() as is_lease_over,
    expires_at <= clock_timestamp() as is_expired, answer_status, answer_headers, answer_body
  from kernel.idempotency_keys where tenant_id = $1 and owner_id = $2 and route = $3 and key = $4`;

/** The old lease is part of the condition: of two retries that both saw the crash, one gets the key. */
const takeOverSql = `
  update kernel.idempotency_keys set request_hash = $3, state = 'running', lease_id = $4,
    lease_expires_at = clock_timestamp() + make_interval(secs => $5),
    expires_at = clock_timestamp() + make_interval(secs => $6),
    answer_status = null, answer_headers = null, answer_body = null
  where id = $1 and lease_id = $2 and (state = 'running' or (state = 'committed' and $7) or expires_at <= clock_timestamp())
  returning id`;

/** createIdempotency makes the service; keys belong to signed-in callers, because the row needs somebody it is kept for. */
export function createIdempotency({ db, leaseSeconds = 60, keepSeconds = 86_400 }: IdempotencyOptions): Idempotency {
  async function claim(
    tx: Tx,
    scope: IdempotencyScope,
    key: string,
    requestHash: string,
    { isRecognised = false }: BeginOptions = {},
  ): Promise<Beginning> {
    const mine: Ticket = { scope, id: newId(), leaseId: newId() };
    const [claimed] = await tx.query({
      name: 'idempotency-claim',
      text: claimSql,
      values: [
        mine.id,
        scope.tenantId,
        scope.userId,
        scope.route,
        key,
        requestHash,
        mine.leaseId,
        leaseSeconds,
        keepSeconds,
      ],
    });
    if (claimed) return { kind: 'run', ticket: mine };

    const [row] = await tx.query<KeyRow>({ text: findSql, values: [scope.tenantId, scope.userId, scope.route, key] });
    // Freed or pruned between the two statements: whoever asks again gets it.
    if (!row) throw idempotencyErrors.IDEMPOTENCY_IN_PROGRESS({ retryAfterSeconds: 1 });
    if (!row.is_expired) {
      if (row.request_hash !== requestHash) throw idempotencyErrors.IDEMPOTENCY_KEY_REUSED();
      if (row.state === 'answered') return toReplay(row);
      const runsAgain = row.state === 'committed' && isRecognised;
      if (row.state === 'committed' && row.is_lease_over && !runsAgain)
        throw idempotencyErrors.IDEMPOTENCY_ANSWER_LOST();
      if (!row.is_lease_over && !runsAgain) throw idempotencyErrors.IDEMPOTENCY_IN_PROGRESS({ retryAfterSeconds: 1 });
    }
    const [taken] = await tx.query({
      text: takeOverSql,
      values: [row.id, row.lease_id, requestHash, mine.leaseId, leaseSeconds, keepSeconds, isRecognised],
    });
    if (!taken) throw idempotencyErrors.IDEMPOTENCY_IN_PROGRESS({ retryAfterSeconds: 1 });
    return { kind: 'run', ticket: { ...mine, id: row.id } };
  }

  return {
    begin: (scope, key, requestHash, options) =>
      db.withTenant(scope, (tx) => claim(tx, scope, key, requestHash, options)),
    confirm,
    complete: (ticket, answer) => db.withTenant(ticket.scope, (tx) => storeAnswer(tx, ticket, answer)),
    abandon: (ticket) => db.withTenant(ticket.scope, (tx) => freeKey(tx, ticket)),
    prune: () => pruneExpired(db),
  };
}

function toReplay(row: KeyRow): Beginning {
  return { kind: 'replay', status: row.answer_status ?? 200, headers: row.answer_headers ?? {}, body: row.answer_body };
}

/** A transaction of another role, or bound to another organisation, does not see the row; the function reaches it. */
async function confirm(tx: Tx, { id, leaseId, scope }: Ticket): Promise<void> {
  const isOwnScope = tx.scope?.tenantId === scope.tenantId && tx.scope.userId === scope.userId;
  const [confirmed] = await tx.query({
    name: isOwnScope ? 'idempotency-confirm' : 'idempotency-confirm-elsewhere',
    text: isOwnScope
      ? `update kernel.idempotency_keys set state = 'committed'
         where id = $1 and lease_id = $2 and state in ('running', 'committed') returning id`
      : 'select 1 from kernel.confirm_idempotency_key($1, $2) as is_confirmed where is_confirmed',
    values: [id, leaseId],
  });
  if (!confirmed)
    throw idempotencyErrors.IDEMPOTENCY_IN_PROGRESS({ internal: 'the lease was taken over', retryAfterSeconds: 1 });
}

async function storeAnswer(tx: Tx, ticket: Ticket, answer: StoredAnswer): Promise<void> {
  if ((answer.body?.length ?? 0) > longestAnswerCharacters) return confirm(tx, ticket);
  // No row means that the lease was lost; the answer then belongs to nobody's key, and its effect was rolled back.
  await tx.query({
    name: 'idempotency-complete',
    text: `update kernel.idempotency_keys set state = 'answered', answer_status = $3, answer_headers = $4, answer_body = $5
           where id = $1 and lease_id = $2 and state in ('running', 'committed')`,
    values: [ticket.id, ticket.leaseId, answer.status, JSON.stringify(answer.headers), answer.body],
  });
}

async function freeKey(tx: Tx, ticket: Ticket): Promise<void> {
  const values = [ticket.id, ticket.leaseId];
  const [freed] = await tx.query({
    text: `delete from kernel.idempotency_keys where id = $1 and lease_id = $2 and state = 'running' returning id`,
    values,
  });
  if (freed) return;
  // It took effect and then failed: nothing is running any more, so repetitions need not wait for the lease to hear it.
  await tx.query({
    text: `update kernel.idempotency_keys set lease_expires_at = clock_timestamp()
           where id = $1 and lease_id = $2 and state = 'committed'`,
    values,
  });
}

async function pruneExpired(db: Pick<Database, 'withSystem'>): Promise<number> {
  for (let pruned = 0; ;) {
    const rows = await db.withSystem('prune idempotency keys', (tx) =>
      tx.query({
        text: `delete from kernel.idempotency_keys where id in
                 (select id from kernel.idempotency_keys where expires_at <= now() order by expires_at limit $1)
               returning id`,
        values: [prunedPerRound],
      }),
    );
    pruned += rows.length;
    if (rows.length < prunedPerRound) return pruned;
  }
}
