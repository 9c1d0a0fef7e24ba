/** What calls used is in every budget that binds them exactly once, whenever the budget is set and whichever process records. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCredits } from '#kernel/credits';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { readBalances } from '#testing/budgets';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createCallRecorder, type CallRecord } from './call-recorder.ts';

const log = createLogger({ level: 'silent' });
const costMicros = 3;
const tokens = 5;
let ground: TestDatabase;

beforeAll(async () => {
  ground = await createTestDatabase();
});
afterAll(() => ground[Symbol.asyncDispose]());

function record(tenantId: string, userId: string, more: Partial<CallRecord> = {}): CallRecord {
  return {
    tenantId,
    userId,
    app: 'tests',
    subjectId: 'agent',
    runId: null,
    keyId: null,
    connectionId: newId(),
    model: 'scripted',
    inputTokens: 2,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens: 3,
    isEstimated: false,
    costMicros,
    firstTokenMs: 1,
    durationMs: 2,
    attempts: 1,
    outcome: 'ok',
    reservationId: null,
    ...more,
  };
}

const budgets = [
  { scope: 'organisation', holder: '', unit: 'cost' },
  { scope: 'organisation', holder: '', unit: 'tokens' },
  { scope: 'user', holder: '*', unit: 'cost' },
  { scope: 'subject', holder: 'agent', unit: 'tokens' },
] as const;

/** A process: its own recorder and its own credits, on the database of all. */
function startProcess() {
  const credits = createCredits({ db: ground.db, config: ground.config, log });
  return { credits, recorder: createCallRecorder(ground.db, log, credits) };
}

test('[K4.5] calls that end in several processes while budgets are set are in each of them once', async () => {
  const tenantId = newId();
  const userId = newId();
  const calls = 40;
  const processes = [startProcess(), startProcess(), startProcess()];
  const [first] = processes;
  let recorded = 0;

  async function end({ credits, recorder }: ReturnType<typeof startProcess>): Promise<void> {
    for (let index = 0; index < calls; index += 1) {
      const scope = { tenantId, userId };
      const reservationId = await credits.reserve({
        scope,
        app: 'tests',
        subjectId: 'agent',
        costMicros: 9,
        tokens: 9,
      });
      recorder.record(record(tenantId, userId, { reservationId }));
      // The offline model is free of budgets.
      recorder.record(record(tenantId, userId, { connectionId: null, costMicros: 0 }));
      recorded += 1;
      await recorder.flush();
    }
  }

  async function setBudgets(): Promise<void> {
    for (const [index, { holder, scope, unit }] of budgets.entries()) {
      await expect.poll(() => recorded, { interval: 1 }).toBeGreaterThan((index + 1) * 15);
      await ground.db.withTenant({ tenantId }, async (tx) => {
        await tx.query({
          text: `insert into kernel.budgets (id, tenant_id, scope, holder, unit, period, limit_amount)
            values ($1, $2, $3, $4, $5, 'month', 100000)`,
          values: [newId(), tenantId, scope, holder, unit],
        });
        await first?.credits.openAccounts(tx, tenantId, userId);
        await first?.credits.announceChange(tx, tenantId);
      });
    }
  }

  await Promise.all([...processes.map(end), setBudgets()]);
  const balances = await readBalances(ground.db, { tenantId });
  const total = calls * processes.length;
  expect(balances).toHaveLength(budgets.length);
  for (const { kept, summed, unit } of balances) {
    expect(kept).toMatchObject({ spent: total * (unit === 'cost' ? costMicros : tokens), reserved: 0 });
    expect(summed).toEqual(kept);
  }
  await Promise.all(processes.map(({ credits }) => credits.close()));
});
