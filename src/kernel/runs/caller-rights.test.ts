/** A run does what its caller may do now: no more than the key that started it, and no longer than its person may. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AbsentCaller, Principal, SessionSubject, Standing } from '#kernel/auth';
import type { TenantScope } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { RunContext, RunWorkflow } from '#kernel/runs';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { acceptRun, callerOf, collectStream, newPerson, startRunNode, testPermissions } from '#testing/run-node';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

/** standIn answers as identity would; a test says what the caller is by now, and announces it. */
function standIn(first: Standing | null = { role: 'owner', scopes: null }) {
  let standing = first;
  const asked: AbsentCaller[] = [];
  const listeners = new Set<(subject: SessionSubject) => void>();
  return {
    asked,
    become(next: Standing | null, subject?: SessionSubject) {
      standing = next;
      if (subject) for (const listener of listeners) listener(subject);
    },
    identity: {
      async standingOf(caller: AbsentCaller) {
        asked.push(caller);
        return standing;
      },
      onChange(listener: (subject: SessionSubject) => void) {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    },
  };
}

function workflowOf(execute: (run: RunContext<unknown>) => Promise<void>): RunWorkflow<unknown> {
  return {
    name: 'work',
    permissions: testPermissions,
    execute,
    abandon: async (_tx, { partialText }) => ({ partialText }),
  };
}

/** A key that may run tests and not follow them. */
function keyOf(scope: TenantScope, keyId: string, scopes: readonly string[] = ['test.act']): Principal {
  return { ...callerOf(scope), scopes, via: { kind: 'key', keyId, requestsPerMinute: 60 } };
}

const hang = workflowOf(async (run) => {
  await run.step('speak', async (step) => {
    step.emit('text-delta', { text: 'said before' });
    await new Promise((_, reject) =>
      step.signal.addEventListener('abort', () => reject(step.signal.reason), { once: true }),
    );
  });
});

test('[K2.7] a run that begins in the request of its caller asks nothing; what waited asks before its first step', async () => {
  const steps: string[] = [];
  const work = workflowOf(async (run) => {
    await run.step('work', async () => void steps.push(run.runId));
    await run.finish('succeeded', async () => ({}));
  });
  const here = standIn();
  await using node = await startRunNode(database.db, [work], 'all', here.identity);
  await using web = await startRunNode(database.db, [work], 'web', here.identity);
  const scope = newPerson();
  const at = await acceptRun(database.db, node, scope, { workflow: 'work' });
  await expect.poll(async () => (await node.runs.get(scope, at))?.state).toBe('succeeded');
  expect([steps, here.asked]).toEqual([[at], []]);
  const keyId = newId();
  const waited = await acceptRun(database.db, web, scope, { workflow: 'work', caller: keyOf(scope, keyId) });
  await expect.poll(async () => (await node.runs.get(scope, waited))?.state, { timeout: 10_000 }).toBe('succeeded');
  expect(here.asked).toEqual([{ tenantId: scope.tenantId, userId: scope.userId, keyId }]);
});

test.each<[string, Standing | null]>([
  ['is switched off, was put out, or whose key ended', null],
  ['was demoted', { role: 'viewer', scopes: null }],
  ['has a key that never held it', { role: 'owner', scopes: ['test.read'] }],
])('[K2.7] a queued run of somebody who %s does nothing at all', async (_, standing) => {
  let isBegun = false;
  const work = workflowOf(async (run) => {
    isBegun = true;
    await run.finish('succeeded', async () => ({}));
  });
  const here = standIn(standing);
  await using web = await startRunNode(database.db, [work], 'web', here.identity);
  const scope = newPerson();
  const runId = await acceptRun(database.db, web, scope, { workflow: 'work', caller: keyOf(scope, newId()) });
  await using node = await startRunNode(database.db, [work], 'worker', here.identity);
  const client = collectStream(await node.runs.events(scope, runId, null));
  await client.over;
  expect(JSON.parse(client.events.at(-1)?.data ?? '')).toMatchObject({
    state: 'failed',
    errorCode: 'RUN_NOT_ALLOWED',
    isRetryable: false,
  });
  expect(isBegun).toBe(false);
});

test('[K2.7] a run under way ends when its key or person is announced to have lost the right, and keeps what it said', async () => {
  const here = standIn();
  await using node = await startRunNode(database.db, [hang], 'all', here.identity);
  for (const about of ['key', 'user'] as const) {
    here.become({ role: 'owner', scopes: null });
    const scope = newPerson();
    const keyId = newId();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'work', caller: keyOf(scope, keyId) });
    const client = collectStream(await node.runs.events(scope, runId, null));
    await client.until(({ event }) => event === 'text-delta');
    // Somebody else's end is not this run's, nor is a change that leaves the right.
    here.become(null, `user:${newId()}`);
    here.become({ role: 'owner', scopes: null }, `user:${scope.userId}`);
    await expect.poll(() => here.asked.at(-1)?.userId).toBe(scope.userId);
    expect((await node.runs.get(scope, runId))?.state).toBe('running');
    here.become(null, about === 'key' ? `key:${keyId}` : `user:${scope.userId}`);
    await client.over;
    expect(JSON.parse(client.events.at(-1)?.data ?? '')).toMatchObject({
      errorCode: 'RUN_NOT_ALLOWED',
      partialText: 'said before',
    });
  }
});

test('[K2.7] the scopes of the key stay with the run, also on the process that takes it over', async () => {
  const seen: { principal: Principal; refused: string }[] = [];
  const work = workflowOf(async (run) => {
    await run.step('work', async (step) => {
      const refused = await run.assertMay('test.read').then(
        () => 'nothing',
        (error: { code: string }) => error.code,
      );
      await run.assertMay('test.act');
      seen.push({ principal: run.principal, refused });
      if (seen.length === 1)
        await new Promise((_, reject) =>
          step.signal.addEventListener('abort', () => reject(step.signal.reason), { once: true }),
        );
    });
    await run.finish('succeeded', async () => ({}));
  });
  const scope = newPerson();
  const keyId = newId();
  // By now the key may do more: the run goes by what it may and what it could when it began.
  const here = standIn({ role: 'admin', scopes: ['test.act', 'test.read'] });
  const dying = await startRunNode(database.db, [work], 'all', here.identity);
  const runId = await acceptRun(database.db, dying, scope, { workflow: 'work', caller: keyOf(scope, keyId) });
  await expect.poll(() => seen.length).toBe(1);
  await using heir = await startRunNode(database.db, [work], 'all', here.identity);
  await dying.die();
  await expect.poll(async () => (await heir.runs.get(scope, runId))?.state, { timeout: 20_000 }).toBe('succeeded');
  expect(seen.map(({ refused }) => refused)).toEqual(['RUN_NOT_ALLOWED', 'RUN_NOT_ALLOWED']);
  expect(seen.map(({ principal }) => [principal.role, principal.scopes, principal.via])).toEqual([
    ['owner', ['test.act'], { kind: 'run', runId, keyId }],
    ['admin', ['test.act'], { kind: 'run', runId, keyId }],
  ]);
});

test('[K2.7] a run that a run starts is bound by the same key', async () => {
  let child = '';
  const work = workflowOf(async (run) => {
    await run.finish('succeeded', async (tx) => {
      if (child !== '') return {};
      const about = { workflow: 'work', input: {}, exclusiveKey: newId(), subject: 'child' };
      child = (await run.services.runs.accept(tx, { caller: run.principal, ...about })).id;
      return {};
    });
  });
  const here = standIn();
  await using node = await startRunNode(database.db, [work], 'all', here.identity);
  const scope = newPerson();
  const keyId = newId();
  await acceptRun(database.db, node, scope, { workflow: 'work', caller: keyOf(scope, keyId) });
  await expect.poll(() => child).not.toBe('');
  await expect.poll(async () => (await node.runs.get(scope, child))?.state, { timeout: 10_000 }).toBe('succeeded');
  expect(here.asked.at(-1)).toMatchObject({ keyId });
});

test('[K2.7] nobody starts a run as somebody else, and no workflow asks for a permission that is not there', async () => {
  await using node = await startRunNode(database.db, [hang]);
  const [ada, bob] = [newPerson(), newPerson()];
  await expect(acceptRun(database.db, node, ada, { workflow: 'work', caller: callerOf(bob) })).rejects.toThrow(
    'on behalf of the person',
  );
  const typo = { ...hang, permissions: { act: 'test.acts', read: 'test.read' } };
  await expect(startRunNode(database.db, [typo])).rejects.toThrow('test.acts, which nobody declares');
});
