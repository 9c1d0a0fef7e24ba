import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { isAfter, parseEventId, type RunContext, type RunWorkflow } from '#kernel/runs';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import {
  acceptRun,
  callerOf,
  collectStream,
  newPerson,
  startRunNode,
  testPermissions,
  type RunNode,
} from '#testing/run-node';

/** A gate a workflow waits at until the test opens it; opens early when the run is aborted. */
function makeGate() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return {
    open: resolve,
    pass: (signal: AbortSignal) =>
      new Promise<void>((go, stop) => {
        void promise.then(go);
        signal.addEventListener('abort', () => stop(signal.reason), { once: true });
      }),
  };
}

type Body = (run: RunContext<{ words?: number }>) => Promise<void>;

const abandoned: { runId: string; state: string; errorCode: string; partialText: string }[] = [];

function makeWorkflow(name: string, execute: Body): RunWorkflow<{ words?: number }> {
  return {
    name,
    permissions: testPermissions,
    execute,
    async abandon(_tx, { runId, state, errorCode, partialText }) {
      abandoned.push({ runId, state, errorCode, partialText });
      return { partialText };
    },
  };
}

const speak: Body = async (run) => {
  await run.step('answer', async (step) => {
    for (let word = 0; word < (run.input.words ?? 5); word += 1) step.emit('text-delta', { text: `w${word} ` });
  });
  await run.finish('succeeded', async () => ({ messageId: 'm' }));
};

/** Events that are not text stay apart, however fast they come. */
const count: Body = async (run) => {
  await run.step('count', async (step) => {
    for (let word = 0; word < (run.input.words ?? 5); word += 1) step.emit('counted', { word });
  });
  await run.finish('succeeded', async () => ({}));
};

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
});

async function collectAll(
  node: RunNode,
  scope: ReturnType<typeof newPerson>,
  runId: string,
  after: string | null = null,
) {
  const client = collectStream(await node.runs.events(scope, runId, after));
  await client.over;
  return client.events;
}

describe('accepting', () => {
  test('[K12.1] a run exists exactly when the transaction that accepted it committed', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('speak', speak)]);
    const scope = newPerson();
    let lostId = '';
    const lost = database.db.withTenant(scope, async (tx) => {
      const run = await node.runs.accept(tx, {
        caller: callerOf(scope),
        workflow: 'speak',
        input: {},
        exclusiveKey: 'k',
        subject: 's',
      });
      lostId = run.id;
      throw new Error('the handler changed its mind');
    });
    await expect(lost).rejects.toThrow('changed its mind');
    expect(await node.runs.get(scope, lostId)).toBeNull();
    const kept = await acceptRun(database.db, node, scope, { workflow: 'speak' });
    expect(await node.runs.get(scope, kept)).toMatchObject({ id: kept, workflow: 'speak' });
  });

  test('[K12.1] a run executes to its end although no client ever connects', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('speak', speak)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'speak' });
    await expect.poll(async () => (await node.runs.get(scope, runId))?.state).toBe('succeeded');
    const events = await collectAll(node, scope, runId);
    expect(events.map((event) => event.event)).toEqual(['attempt-started', 'step-started', 'text-delta', 'done']);
    expect(JSON.parse(events[2]?.data ?? '')).toEqual({ step: 0, text: 'w0 w1 w2 w3 w4 ' });
  });

  test('[K12.1] a run whose start never came, because its handler died after the commit, is swept up', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('speak', speak)]);
    const scope = newPerson();
    const { id } = await database.db.withTenant(scope, (tx) =>
      node.runs.accept(tx, { caller: callerOf(scope), workflow: 'speak', input: {}, exclusiveKey: 'k', subject: 's' }),
    );
    await expect.poll(async () => (await node.runs.get(scope, id))?.state, { timeout: 10_000 }).toBe('succeeded');
  });

  test('[K12.4] a second run for the same key is refused while the first is active, in a race of ten too', async () => {
    const gate = makeGate();
    const wait: Body = async (run) => {
      await run.step('wait', (step) => gate.pass(step.signal));
      await run.finish('succeeded', async () => ({}));
    };
    await using node = await startRunNode(database.db, [makeWorkflow('wait', wait)]);
    const scope = newPerson();
    const attempts = await Promise.allSettled(
      Array.from({ length: 10 }, () =>
        acceptRun(database.db, node, scope, { workflow: 'wait', exclusiveKey: 'conversation:1' }),
      ),
    );
    const won = attempts.filter((attempt) => attempt.status === 'fulfilled');
    const refused = attempts.filter((attempt) => attempt.status === 'rejected');
    expect(won).toHaveLength(1);
    expect(refused.map(({ reason }) => (reason as { code: string }).code)).toEqual(Array(9).fill('RUN_ALREADY_ACTIVE'));
    gate.open();
    await expect.poll(async () => (await node.runs.get(scope, won[0]?.value ?? ''))?.state).toBe('succeeded');
    await acceptRun(database.db, node, scope, { workflow: 'wait', exclusiveKey: 'conversation:1' });
  });
});

describe('following', () => {
  test('[K12.2] from any Last-Event-ID a client gets exactly the rest, on the same node and on another', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('count', count)]);
    await using other = await startRunNode(database.db, [], 'web');
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'count', input: { words: 20 } });
    const all = await collectAll(node, scope, runId);
    expect(all).toHaveLength(23);
    for (const [index, event] of all.entries()) {
      const rest = all.slice(index + 1);
      expect(await collectAll(node, scope, runId, event.id)).toEqual(rest);
      if (index % 7 === 0) expect(await collectAll(other, scope, runId, event.id)).toEqual(rest);
    }
  });

  test('[K12.2] clients that join in mid-answer, here or on another node, see the whole answer once and in order', async () => {
    const gates = [makeGate(), makeGate(), makeGate()];
    const slow: Body = async (run) => {
      await run.step('answer', async (step) => {
        for (const [index, gate] of gates.entries()) {
          for (let word = 0; word < 10; word += 1) step.emit('counted', { word: `${index}.${word}` });
          await gate.pass(step.signal);
        }
      });
      await run.finish('succeeded', async () => ({}));
    };
    await using node = await startRunNode(database.db, [makeWorkflow('slow', slow)]);
    await using other = await startRunNode(database.db, [], 'web');
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'slow' });
    const first = collectStream(await node.runs.events(scope, runId, null));
    await first.until((event) => event.data.includes('0.9'));
    const second = collectStream(await other.runs.events(scope, runId, null));
    gates[0]?.open();
    await second.until((event) => event.data.includes('1.9'));
    const third = collectStream(await node.runs.events(scope, runId, first.events[4]?.id ?? ''));
    gates[1]?.open();
    gates[2]?.open();
    await Promise.all([first.over, second.over, third.over]);
    expect(first.events).toHaveLength(33);
    expect(second.events).toEqual(first.events);
    expect(third.events).toEqual(first.events.slice(5));
  });

  test('[K12.2] text that jsonb cannot hold is cleaned, and the replay equals what was sent live', async () => {
    const odd: Body = async (run) => {
      await run.step('answer', async (step) => {
        step.emit('text-delta', {
          text: 'nul \u0000 half \ud83d pair \u{1f600} quote " backslash \\u0000 newline \n end',
        });
        step.emit('reasoning-delta', { text: 'a'.repeat(300_000) });
      });
      await run.finish('succeeded', async () => ({}));
    };
    await using node = await startRunNode(database.db, [makeWorkflow('odd', odd)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'odd' });
    const live = await collectAll(node, scope, runId);
    const replay = await collectAll(node, scope, runId);
    expect(replay).toEqual(live);
    const text = live.find((event) => event.event === 'text-delta')?.data ?? '';
    expect(JSON.parse(text)).toEqual({
      step: 0,
      text: 'nul \ufffd half \ufffd pair \u{1f600} quote " backslash \\u0000 newline \n end',
    });
  });

  test('[K3.3] a run is not found by anybody but its owner, in its organisation or another', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('speak', speak)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'speak' });
    for (const stranger of [newPerson(), { ...scope, userId: newId() }]) {
      await expect(node.runs.events(stranger, runId, null)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(node.runs.cancel(stranger, runId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect(await node.runs.get(stranger, runId)).toBeNull();
    }
    await expect(node.runs.events(scope, runId, 'nonsense')).rejects.toMatchObject({ code: 'BAD_EVENT_ID' });
  });

  test('[K12.2] after the journal was pruned a client still hears how the run ended', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('speak', speak)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'speak' });
    const all = await collectAll(node, scope, runId);
    await database.db.withSystem('test', (tx) =>
      tx.query({ text: 'delete from kernel.run_events where run_id = $1', values: [runId] }),
    );
    expect(await collectAll(node, scope, runId)).toEqual([all.at(-1)]);
    expect(await collectAll(node, scope, runId, all.at(-1)?.id)).toEqual([]);
  });
});

describe('ending', () => {
  test('[K12.4] when a client hears "done" the outcome is committed already', async () => {
    await using node = await startRunNode(database.db, [makeWorkflow('speak', speak)]);
    const scope = newPerson();
    for (let round = 0; round < 10; round += 1) {
      const runId = await acceptRun(database.db, node, scope, { workflow: 'speak' });
      const client = collectStream(await node.runs.events(scope, runId, null));
      await client.until((event) => event.event === 'done');
      expect((await node.runs.get(scope, runId))?.state).toBe('succeeded');
    }
  });

  test('[K12.1] Stop ends a run from the same node or another, and keeps its partial text', async () => {
    const hang: Body = async (run) => {
      await run.step('answer', async (step) => {
        step.emit('text-delta', { text: 'so far ' });
        step.emit('text-delta', { text: 'so good' });
        await makeGate().pass(step.signal);
      });
    };
    await using node = await startRunNode(database.db, [makeWorkflow('hang', hang)]);
    await using other = await startRunNode(database.db, [], 'web');
    const scope = newPerson();
    for (const stopper of [node, other]) {
      const runId = await acceptRun(database.db, node, scope, { workflow: 'hang' });
      const client = collectStream(await node.runs.events(scope, runId, null));
      await client.until((event) => event.data.includes('so good'));
      expect(await stopper.runs.cancel(scope, runId)).toBe(true);
      await client.over;
      expect(JSON.parse(client.events.at(-1)?.data ?? '{}')).toMatchObject({
        state: 'cancelled',
        errorCode: 'RUN_CANCELLED',
        partialText: 'so far so good',
      });
      expect((await node.runs.get(scope, runId))?.state).toBe('cancelled');
      expect(await stopper.runs.cancel(scope, runId)).toBe(false);
    }
  });

  test('[K12.3] a body that throws ends its run as failed, with its partial text', async () => {
    const fail: Body = async (run) => {
      await run.step('answer', async (step) => {
        step.emit('text-delta', { text: 'half an ans' });
        throw new Error('bug');
      });
    };
    await using node = await startRunNode(database.db, [makeWorkflow('fail', fail)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'fail' });
    const events = await collectAll(node, scope, runId);
    expect(JSON.parse(events.at(-1)?.data ?? '{}')).toMatchObject({
      state: 'failed',
      errorCode: 'RUN_FAILED',
      partialText: 'half an ans',
      isRetryable: true,
    });
  });
});

describe('death of an executor', () => {
  test('[K12.3] another node continues from the last finished step, repeats none, and the dead one is fenced off', async () => {
    const gate = makeGate();
    const effects: string[] = [];
    let answers = 0;
    const body: Body = async (run) => {
      const found = await run.step('look-up', async (step) => {
        effects.push('look-up');
        step.emit('tool-result', { found: 42 });
        return { found: 42 };
      });
      await run.step('answer', async (step) => {
        answers += 1;
        step.emit('text-delta', { text: `attempt ${answers} found ${found.found}` });
        if (answers === 1) await gate.pass(step.signal);
      });
      await run.finish('succeeded', async () => ({ answers }));
    };
    await using dying = await startRunNode(database.db, [makeWorkflow('work', body)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, dying, scope, { workflow: 'work' });
    const client = collectStream(await dying.runs.events(scope, runId, null));
    await client.until((event) => event.data.includes('attempt 1'));
    await dying.die();
    await using heir = await startRunNode(database.db, [makeWorkflow('work', body)]);
    const resumed = collectStream(await heir.runs.events(scope, runId, client.events.at(-1)?.id ?? null));
    await resumed.over;
    gate.open();
    expect(effects).toEqual(['look-up']);
    expect(resumed.events.map((event) => event.event)).toEqual([
      'attempt-started',
      'step-started',
      'text-delta',
      'done',
    ]);
    expect(JSON.parse(resumed.events[0]?.data ?? '')).toEqual({ step: 1, attempt: 2 });
    expect((await heir.runs.get(scope, runId))?.attempt).toBe(2);
    const ids = [...client.events, ...resumed.events].map((event) => parseEventId(event.id ?? ''));
    ids.slice(1).forEach((id, index) => expect(id && ids[index] && isAfter(id, ids[index])).toBe(true));
    const final = await collectAll(heir, scope, runId);
    expect(final.filter((event) => event.event === 'done')).toHaveLength(1);
  });

  test('[K12.3] a run that keeps killing its executor ends as failed after five attempts, its text kept', async () => {
    const hang: Body = async (run) => {
      await run.step('answer', async (step) => {
        step.emit('text-delta', { text: 'poison' });
        await makeGate().pass(step.signal);
      });
    };
    await using node = await startRunNode(database.db, [makeWorkflow('hang', hang)], 'web');
    const scope = newPerson();
    const runId = await acceptRun(database.db, node, scope, { workflow: 'hang' });
    await database.db.withSystem('test', async (tx) => {
      await tx.query({ text: 'update kernel.runs set attempt = 5 where id = $1', values: [runId] });
      await tx.query({
        text: `insert into kernel.run_events (tenant_id, owner_id, run_id, attempt, first_seq, last_seq, events)
               values ($1, $2, $3, 5, 1, 2, $4::json)`,
        values: [
          scope.tenantId,
          scope.userId,
          runId,
          JSON.stringify([
            ['text-delta', { step: 0, text: 'poi' }],
            ['text-delta', { step: 0, text: 'son' }],
          ]),
        ],
      });
    });
    await using worker = await startRunNode(database.db, [makeWorkflow('hang', hang)], 'worker');
    await expect.poll(async () => (await worker.runs.get(scope, runId))?.state, { timeout: 10_000 }).toBe('failed');
    expect(abandoned.at(-1)).toEqual({ runId, state: 'failed', errorCode: 'RUN_CRASHED', partialText: 'poison' });
  });

  test('[K12.5] a draining node hands its unfinished run over at once, without counting as a crash', async () => {
    const gate = makeGate();
    let calls = 0;
    const body: Body = async (run) => {
      await run.step('answer', async (step) => {
        calls += 1;
        step.emit('text-delta', { text: `call ${calls}` });
        if (calls === 1) await gate.pass(step.signal);
      });
      await run.finish('succeeded', async () => ({}));
    };
    const leaving = await startRunNode(database.db, [makeWorkflow('leave', body)]);
    await using staying = await startRunNode(database.db, [makeWorkflow('leave', body)]);
    const scope = newPerson();
    const runId = await acceptRun(database.db, leaving, scope, { workflow: 'leave' });
    await expect.poll(() => calls).toBe(1);
    const follower = collectStream(await staying.runs.events(scope, runId, null));
    await leaving[Symbol.asyncDispose]();
    await follower.over;
    expect(follower.events.map((event) => event.event)).toEqual([
      'attempt-started',
      'step-started',
      'text-delta',
      'attempt-started',
      'step-started',
      'text-delta',
      'done',
    ]);
  });
});
