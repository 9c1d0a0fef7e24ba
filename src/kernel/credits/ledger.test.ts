/** Whatever happens to calls under budgets, the ledger adds up, nothing goes below the hard stop, and nothing stays held. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { isAppError } from '#kernel/errors';
import { newId } from '#kernel/ids';
import { createLogger } from '#kernel/log';
import { asAdmin } from '#testing/as-admin';
import { countHeld, readBalances, setBudget, type Balance } from '#testing/budgets';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { createCredits, type Credits } from './index.ts';

const log = createLogger({ level: 'silent' });
let ground: TestDatabase;

beforeAll(async () => {
  ground = await createTestDatabase();
});
afterAll(() => ground[Symbol.asyncDispose]());

/** One call's fate. `worst` is reserved, `share` of it is what it costs: more than all of it where a provider overshoots. */
interface Fate {
  readonly user: number;
  readonly subject: number;
  readonly key: number;
  readonly worst: number;
  readonly share: number;
  readonly end: 'settle' | 'settle-twice' | 'fail' | 'die' | 'die-and-settle-late';
  /** The organisation's limit as it is set beside this call; null leaves it. */
  readonly newLimit: number | null;
}

const fate: fc.Arbitrary<Fate> = fc.record({
  user: fc.integer({ min: 0, max: 2 }),
  subject: fc.integer({ min: 0, max: 1 }),
  key: fc.integer({ min: 0, max: 2 }),
  worst: fc.integer({ min: 1, max: 400 }),
  share: fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: 0, max: 1, noNaN: true }) },
    { weight: 1, arbitrary: fc.double({ min: 1, max: 1.5, noNaN: true }) },
  ),
  end: fc.constantFrom('settle', 'settle-twice', 'fail', 'die', 'die-and-settle-late'),
  newLimit: fc.option(fc.integer({ min: 1_000, max: 3_000 }), { freq: 6 }),
});

interface World {
  readonly tenantId: string;
  readonly users: readonly string[];
  readonly living: Credits;
  /** A process whose leases run out at once, as if it had been killed. */
  readonly dying: Credits;
  /** The organisation's budget that is changed in mid-load. */
  readonly budgetId: string;
  /** What may stand beyond a limit, because it was not held when it was used: overshoots and late settlements. */
  unheld: number;
}

/** Each day's spending as the test counts it. */
type Spending = Map<string, number>;

function settle(credits: Credits, reservationId: string, used: number): Promise<boolean> {
  return ground.db.withSystem('a test', (tx) =>
    credits.settle(tx, [{ callId: newId(), reservationId, costMicros: used, tokens: used * 2 }]),
  );
}

/** changeLimit does what the route for budgets does. */
function changeLimit({ budgetId, living, tenantId }: World, limit: number): Promise<void> {
  return ground.db.withTenant({ tenantId }, async (tx) => {
    await tx.query({
      text: 'update kernel.budgets set limit_amount = $3 where tenant_id = $1 and id = $2',
      values: [tenantId, budgetId, limit],
    });
    await living.openAccounts(tx, tenantId);
  });
}

async function live(world: World, { end, key, newLimit, share, subject, user, worst }: Fate): Promise<number> {
  if (newLimit !== null) await changeLimit(world, newLimit);
  const isDying = end === 'die' || end === 'die-and-settle-late';
  const credits = isDying ? world.dying : world.living;
  const scope = { tenantId: world.tenantId, userId: world.users[user] ?? '' };
  let reservationId: string | null;
  try {
    reservationId = await credits.reserve({
      scope,
      app: 'tests',
      subjectId: `agent-${subject}`,
      keyId: key === 0 ? undefined : `key-${key}`,
      costMicros: worst,
      tokens: worst * 2,
    });
  } catch (error) {
    expect(isAppError(error) && error.code).toBe('BUDGET_EXHAUSTED');
    return 0;
  }
  if (reservationId === null) throw new Error('budgets bind every call here');
  credits.end(reservationId);
  const used = end === 'fail' ? 0 : Math.floor(worst * share);
  if (end === 'die') return 0;
  world.unheld += end === 'die-and-settle-late' ? used : Math.max(0, used - worst);
  if (end === 'die-and-settle-late') await world.living.sweep();
  await settle(world.living, reservationId, used);
  if (end === 'settle-twice') await Promise.all([1, 2].map(() => settle(world.living, reservationId, used)));
  return used;
}

function expectToAddUp(balances: readonly Balance[]): void {
  for (const { kept, summed } of balances) expect(summed).toEqual(kept);
}

async function liveThroughDays(days: readonly (readonly Fate[])[]): Promise<void> {
  const tenantId = newId();
  const users = [newId(), newId(), newId()];
  let now = new Date('2030-03-30T12:00:00Z');
  const options = { db: ground.db, config: ground.config, log, now: () => now };
  const budgetId = await setBudget(ground.db, { tenantId }, { scope: 'organisation', limit: 2_000 });
  const world: World = {
    tenantId,
    users,
    living: createCredits(options),
    dying: createCredits({ ...options, leaseSeconds: -1 }),
    budgetId,
    unheld: 0,
  };
  await setBudget(ground.db, world, { scope: 'organisation', unit: 'tokens', period: 'day', limit: 3_000 });
  await setBudget(ground.db, world, { scope: 'user', holder: '*', period: 'day', limit: 700 });
  await setBudget(ground.db, world, { scope: 'subject', holder: 'agent-1', unit: 'tokens', period: 'day', limit: 900 });
  await setBudget(ground.db, world, { scope: 'key', holder: '*', limit: 600 });
  await setBudget(ground.db, world, { scope: 'key', holder: 'key-2', unit: 'tokens', limit: 800 });
  const hasLowered = days.some((fates) => fates.some(({ newLimit }) => newLimit !== null));
  const spending: Spending = new Map();
  for (const fates of days) {
    const used = await Promise.all(fates.map((one) => live(world, one)));
    const day = now.toISOString().slice(0, 10);
    spending.set(
      day,
      used.reduce((sum, one) => sum + one, spending.get(day) ?? 0),
    );
    expectToAddUp(await readBalances(ground.db, world));
    now = new Date(now.getTime() + 86_400_000);
  }
  await world.living.sweep();
  const balances = await readBalances(ground.db, world);
  expectToAddUp(balances);
  expect(await countHeld(ground.db, world)).toBe(0);
  for (const { kept } of balances) {
    expect(kept.reserved).toBe(0);
  }
  for (const { kept, scope, unit } of balances) {
    // What is used already stays used when a limit is lowered below it.
    if (hasLowered && scope === 'organisation' && unit === 'cost') continue;
    const unheld = unit === 'cost' ? world.unheld : world.unheld * 2;
    expect(kept.spent).toBeLessThanOrEqual(kept.granted + unheld);
  }
  for (const { kept, periodStart, scope, unit } of balances) {
    if (scope === 'organisation' && unit === 'tokens') expect(kept.spent).toBe((spending.get(periodStart) ?? 0) * 2);
  }
  await Promise.all([world.living.close(), world.dying.close()]);
}

test('[K4.5] concurrent calls under every kind of budget that end, fail, die, overshoot, are settled twice or late, while limits change, across periods: the ledger always adds up', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fate, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 3 }),
      liveThroughDays,
    ),
    { numRuns: 30, endOnFailure: true },
  );
}, 120_000);

test('[K4.5] what was left expires with its period, and a call that outlives the period counts in the one it began in', async () => {
  const scope = { tenantId: newId() };
  let now = new Date('2030-01-31T23:59:00Z');
  const credits = createCredits({ db: ground.db, config: ground.config, log, now: () => now });
  await setBudget(ground.db, scope, { scope: 'organisation', limit: 100 });
  const id = await credits.reserve({ scope, app: 'tests', costMicros: 60, tokens: 1 });
  now = new Date('2030-02-01T00:01:00Z');
  expect(await credits.reserve({ scope, app: 'tests', costMicros: 100, tokens: 1 })).not.toBeNull();
  await credits.sweep();
  expect((await readBalances(ground.db, scope)).map(({ isClosed }) => isClosed)).toEqual([false, false]);
  await settle(credits, id ?? '', 50);
  await credits.sweep();
  const [january, february] = await readBalances(ground.db, scope);
  expect(january).toMatchObject({ isClosed: true, kept: { spent: 50, expired: 50, available: 0, reserved: 0 } });
  expect(february).toMatchObject({ isClosed: false, kept: { spent: 0, reserved: 100 } });
  await credits.close();
});

test('[K4.5] what a provider charges beyond its reservation is recorded as it is, and stops what follows', async () => {
  const scope = { tenantId: newId() };
  const credits = createCredits({ db: ground.db, config: ground.config, log });
  await setBudget(ground.db, scope, { scope: 'organisation', limit: 100 });
  const id = await credits.reserve({ scope, app: 'tests', costMicros: 90, tokens: 1 });
  await settle(credits, id ?? '', 130);
  const balances = await readBalances(ground.db, scope);
  expectToAddUp(balances);
  expect(balances[0]?.kept).toMatchObject({ spent: 130, available: -30, reserved: 0 });
  await expect(credits.reserve({ scope, app: 'tests', costMicros: 1, tokens: 1 })).rejects.toMatchObject({
    code: 'BUDGET_EXHAUSTED',
    status: 402,
  });
  await credits.close();
});

test('[K4.5] a limit lowered while calls wait for its account holds for them: none takes the old one back', async () => {
  const scope = { tenantId: newId() };
  const credits = createCredits({ db: ground.db, config: ground.config, log });
  const budgetId = await setBudget(ground.db, scope, { scope: 'organisation', limit: 1_000 });
  const reserve = (costMicros: number) => credits.reserve({ scope, app: 'tests', costMicros, tokens: 1 });
  const isWaiting = () =>
    asAdmin(ground, (query) =>
      query(`select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%reserve_credits%'`),
    );
  await reserve(1);
  let waiting: Promise<unknown> = Promise.resolve();
  await ground.db.withTenant(scope, async (tx) => {
    const values = [scope.tenantId, budgetId];
    await tx.query({ text: `update kernel.budgets set limit_amount = 10 where tenant_id = $1 and id = $2`, values });
    await tx.query({
      text: `select kernel.adjust_budget_grant(tenant_id, id, 10) from kernel.budget_accounts where tenant_id = $1 and budget_id = $2`,
      values,
    });
    waiting = reserve(500).catch((error: unknown) => error);
    await vi.waitUntil(async () => (await isWaiting()).length > 0, { timeout: 30_000 });
  });
  expect(await waiting).toMatchObject({ code: 'BUDGET_EXHAUSTED' });
  const [balance] = await readBalances(ground.db, scope);
  expect(balance?.kept).toMatchObject({ granted: 10, reserved: 1, available: 9 });
  await credits.close();
});

async function reserveUntilKilled(tenantId: string, acknowledgements: number): Promise<number> {
  const { authSecret = '', dataDir, masterKey = '' } = ground.config;
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./fixtures/reserve-forever.ts', import.meta.url)), tenantId, newId()],
    {
      env: {
        PATH: process.env['PATH'],
        DATABASE_URL: ground.url,
        MASTER_KEY: masterKey,
        AUTH_SECRET: authSecret,
        DATA_DIR: dataDir,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  const exited = once(child, 'exit');
  let heard = 0;
  createInterface({ input: child.stdout }).on('line', () => {
    heard += 1;
    if (heard === acknowledgements) child.kill('SIGKILL');
  });
  await exited;
  return heard;
}

test('[K4.5] a process killed in the middle of its calls leaves nothing held and nothing lost', async () => {
  const scope = { tenantId: newId() };
  await setBudget(ground.db, scope, { scope: 'organisation', limit: 1_000_000 });
  await setBudget(ground.db, scope, { scope: 'user', holder: '*', unit: 'tokens', limit: 1_000_000 });
  for (const count of [2, 31]) expect(await reserveUntilKilled(scope.tenantId, count)).toBeGreaterThanOrEqual(count);
  const credits = createCredits({ db: ground.db, config: ground.config, log });
  await vi.waitUntil(
    async () => {
      await credits.sweep();
      return (await countHeld(ground.db, scope)) === 0;
    },
    { timeout: 15_000, interval: 100 },
  );
  const balances = await readBalances(ground.db, scope);
  expectToAddUp(balances);
  for (const { kept } of balances) {
    expect(kept.reserved).toBe(0);
    expect(kept.spent % 7).toBe(0);
    expect(kept.available).toBe(kept.granted - kept.spent);
  }
  await credits.close();
});

test('[K4.5] what dead processes hold refuses nobody once their leases have run out', async () => {
  const scope = { tenantId: newId() };
  await setBudget(ground.db, scope, { scope: 'organisation', limit: 100 });
  const options = { db: ground.db, config: ground.config, log };
  const dying = createCredits({ ...options, leaseSeconds: -1 });
  const living = createCredits(options);
  await dying.reserve({ scope, app: 'tests', costMicros: 100, tokens: 1 });
  expect(await living.reserve({ scope, app: 'tests', costMicros: 100, tokens: 1 })).not.toBeNull();
  await Promise.all([dying.close(), living.close()]);
});
