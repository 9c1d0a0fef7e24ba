import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { emptyRun, foldRunEvents, isNewer, type RunEvent } from './fold-run-events.ts';

const event = (id: string, type: string, data: Record<string, unknown> = {}): RunEvent => ({ id, type, data });

const answered = [
  event('1-1', 'attempt-started', { step: 0, attempt: 1 }),
  event('1-2', 'step-started', { step: 0, name: 'retrieve' }),
  event('1-3', 'citations', { step: 0, citations: [{ number: 1, documentTitle: 'Guide' }] }),
  event('1-4', 'step-started', { step: 1, name: 'answer' }),
  event('1-5', 'text-delta', { step: 1, text: 'Hel' }),
  event('1-6', 'reasoning-delta', { step: 1, text: 'hm' }),
  event('1-7', 'text-delta', { step: 1, text: 'lo' }),
  event('1-8', 'tool-call', { step: 1, name: 'clock' }),
  event('1-9', 'done', { step: 2, state: 'succeeded', messageId: 'm' }),
];

describe('foldRunEvents', () => {
  test('[K12.2] gives text, reasoning, citations, steps and the final state', () => {
    const view = foldRunEvents(emptyRun, answered);
    expect(view).toMatchObject({ state: 'succeeded', text: 'Hello', reasoning: 'hm', lastEventId: '1-9', attempt: 1 });
    expect(view.citations).toEqual([{ number: 1, documentTitle: 'Guide' }]);
    expect(view.steps.map(({ name, text }) => [name, text])).toEqual([
      ['retrieve', ''],
      ['answer', 'Hello'],
    ]);
    expect(view.steps[1]?.events.map(({ type }) => type)).toEqual(['tool-call']);
    expect(view.done?.['messageId']).toBe('m');
  });

  test('[K12.3] a new attempt drops what came from its step on, and keeps what was finished before', () => {
    const view = foldRunEvents(emptyRun, [
      ...answered.slice(0, 7),
      event('2-8', 'attempt-started', { step: 1, attempt: 2 }),
      event('2-9', 'step-started', { step: 1, name: 'answer' }),
      event('2-10', 'text-delta', { step: 1, text: 'Good day' }),
    ]);
    expect(view).toMatchObject({ text: 'Good day', reasoning: '', attempt: 2, state: 'running' });
    expect(view.citations).toHaveLength(1);
  });

  test('[K12.2] an event seen twice, or older than the last, changes nothing', () => {
    const view = foldRunEvents(emptyRun, answered.slice(0, 7));
    expect(foldRunEvents(view, answered.slice(2, 7))).toBe(view);
    expect(
      foldRunEvents(foldRunEvents(emptyRun, answered), [event('1-10', 'text-delta', { step: 1, text: '!' })]).text,
    ).toBe('Hello');
  });

  test('[K12.2] however the events are cut into deliveries, with whatever repeated, the view is the same', () => {
    const whole = foldRunEvents(emptyRun, answered);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(answered.length), fc.nat(answered.length))), (cuts) => {
        let view = emptyRun;
        let reached = 0;
        for (const [from, to] of cuts) {
          const start = Math.min(from, reached); // a resumed stream never skips
          view = foldRunEvents(view, answered.slice(start, Math.max(start, to)));
          reached = Math.max(reached, Math.max(start, to));
        }
        view = foldRunEvents(view, answered.slice(Math.min(reached, answered.length)));
        expect(view).toEqual(whole);
      }),
    );
  });

  test('a run that fails or is cancelled keeps its partial text', () => {
    const partial = answered.slice(0, 5);
    for (const state of ['failed', 'cancelled'] as const) {
      expect(foldRunEvents(emptyRun, [...partial, event('1-99', 'done', { state })])).toMatchObject({
        state,
        text: 'Hel',
      });
    }
  });
});

test('event ids order by attempt, then by sequence, as numbers', () => {
  expect(isNewer('1-10', '1-9')).toBe(true);
  expect(isNewer('2-1', '1-99')).toBe(true);
  expect(isNewer('1-9', '1-9')).toBe(false);
  expect(isNewer('1-1', null)).toBe(true);
});
