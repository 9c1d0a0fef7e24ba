/** The judge compares what clients saw with what the server kept, and names every fault. */
import type { ApiClient } from './api-client.ts';
import { readFrames, type Frame } from './event-reader.ts';
import type { Talker, Turn } from './talker.ts';

export interface Verdict {
  readonly accepted: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly completed: number;
  readonly endedOtherwise: number;
  readonly unfinished: number;
  /** Turns whose client saw a wrong, repeated, missing or misordered event. */
  readonly wrongSequences: number;
  readonly eventsCompared: number;
  readonly reconnects: number;
  /** How many runs needed so many attempts. */
  readonly attempts: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

interface Message {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly text: string;
  readonly state: string;
  readonly runId: string | null;
}

interface Id {
  readonly attempt: number;
  readonly seq: number;
}

function parseId(id: string): Id {
  const [attempt = 0, seq = 0] = id.split('-').map(Number);
  return { attempt, seq };
}

function isAfter(a: Id, b: Id): boolean {
  return a.attempt > b.attempt || (a.attempt === b.attempt && a.seq > b.seq);
}

/** foldText is what a client shows: each new attempt drops what came from its first unfinished step on. */
export function foldText(frames: readonly Frame[]): string {
  let deltas: { step: number; text: string }[] = [];
  for (const frame of frames) {
    const data = JSON.parse(frame.data) as { step: number; text?: string };
    if (frame.event === 'attempt-started') deltas = deltas.filter((delta) => delta.step < data.step);
    else if (frame.event === 'text-delta') deltas.push({ step: data.step, text: data.text ?? '' });
  }
  return deltas.map((delta) => delta.text).join('');
}

async function replay(client: ApiClient, runId: string): Promise<Frame[]> {
  const response = await client.send('GET', `/runs/${runId}/events`, undefined, { accept: 'text/event-stream' });
  if (!response.ok || !response.body) throw new Error(`replay of ${runId} answered ${response.status}`);
  const frames: Frame[] = [];
  for await (const frame of readFrames(response.body)) frames.push(frame);
  return frames;
}

async function listMessages(client: ApiClient, conversationId: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const more: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page: { items: Message[]; nextCursor: string | null } = await client.call(
      'GET',
      `/conversations/${conversationId}/messages?limit=200${more}`,
    );
    messages.push(...page.items);
    cursor = page.nextCursor;
  }
  return messages;
}

/** compareSequence returns what is wrong with the events one client received, against the journal. */
function compareSequence(received: readonly Frame[], journal: readonly Frame[]): string[] {
  const faults: string[] = [];
  received.slice(1).forEach((frame, index) => {
    const before = received[index];
    if (before && !isAfter(parseId(frame.id), parseId(before.id))) faults.push(`${frame.id} came after ${before.id}`);
  });
  const seen = new Map(received.map((frame) => [frame.id, frame]));
  for (const frame of journal) {
    const own = seen.get(frame.id);
    if (!own) faults.push(`event ${frame.id} never arrived`);
    else if (own.event !== frame.event || own.data !== frame.data)
      faults.push(`event ${frame.id} differs from the journal`);
  }
  const kept = new Set(journal.map((frame) => frame.id));
  const lastAttempt = parseId(journal.at(-1)?.id ?? '0-0').attempt;
  // A client may have seen the last words of an attempt that died before they were durable; never of the final one.
  const ghosts = received.filter((frame) => !kept.has(frame.id) && parseId(frame.id).attempt >= lastAttempt);
  if (ghosts.length > 0) faults.push(`${ghosts.length} events of the final attempt are not in the journal`);
  if (received.at(-1)?.event !== 'done' || received.filter((frame) => frame.event === 'done').length !== 1) {
    faults.push('the stream did not end in exactly one done');
  }
  return faults;
}

interface Tally {
  lost: number;
  duplicated: number;
  completed: number;
  endedOtherwise: number;
  unfinished: number;
  wrongSequences: number;
  eventsCompared: number;
  attempts: Record<string, number>;
  faults: string[];
}

async function judgeTurn(
  client: ApiClient,
  turn: Turn,
  messages: readonly Message[],
  expected: string,
  tally: Tally,
): Promise<void> {
  const fault = (text: string) => tally.faults.push(`“${turn.text}”: ${text}`);
  const questions = messages.filter((message) => message.role === 'user' && message.text === turn.text);
  if (questions.length === 0) {
    tally.lost += 1;
    return void fault('accepted and lost');
  }
  if (questions.length > 1) {
    tally.duplicated += 1;
    fault(`is there ${questions.length} times`);
  }
  const answers = messages.filter((message) => message.role === 'assistant' && message.runId === turn.runId);
  const [answer] = answers;
  if (answers.length !== 1 || !answer || turn.runId === null) return void fault(`has ${answers.length} answers`);
  if (answer.state === 'streaming') {
    tally.unfinished += 1;
    return void fault('its run has not ended');
  }
  const journal = await replay(client, turn.runId);
  const wrong = compareSequence(turn.frames, journal);
  tally.eventsCompared += journal.length;
  if (wrong.length > 0) tally.wrongSequences += 1;
  wrong.slice(0, 3).forEach(fault);
  const attempt = String(parseId(journal.at(-1)?.id ?? '0-0').attempt);
  tally.attempts[attempt] = (tally.attempts[attempt] ?? 0) + 1;
  if (answer.state !== 'complete') {
    tally.endedOtherwise += 1;
    return;
  }
  tally.completed += 1;
  if (answer.text !== expected) fault(`answer is not what the model said: ${answer.text.slice(0, 60)}…`);
  if (foldText(turn.frames) !== answer.text) fault('the client shows another text than was saved');
}

/** judge checks every turn of every talker against the server's API and returns the figures. */
export async function judge(client: ApiClient, talkers: readonly Talker[], modelName: string): Promise<Verdict> {
  const count = Number(/tokens=(\d+)/.exec(modelName)?.[1] ?? 0);
  const expected = Array.from({ length: count }, (_, index) => `w${index + 1} `).join('');
  const tally: Tally = {
    lost: 0,
    duplicated: 0,
    completed: 0,
    endedOtherwise: 0,
    unfinished: 0,
    wrongSequences: 0,
    eventsCompared: 0,
    attempts: {},
    faults: [],
  };
  for (const talker of talkers) {
    const messages = await listMessages(client, talker.conversationId);
    const accepted = talker.turns.filter((turn) => turn.isAccepted);
    for (const turn of accepted) await judgeTurn(client, turn, messages, expected, tally);
    const questions = messages.filter((message) => message.role === 'user').length;
    if (questions !== accepted.length) tally.faults.push(`${questions} questions kept, ${accepted.length} accepted`);
    const unaccepted = talker.turns.length - accepted.length;
    if (unaccepted > 0) tally.faults.push(`${unaccepted} messages were never accepted although the server came back`);
  }
  const turns = talkers.flatMap((talker) => talker.turns);
  return {
    accepted: turns.filter((turn) => turn.isAccepted).length,
    reconnects: turns.reduce((sum, turn) => sum + Math.max(0, turn.connections - 1), 0),
    ...tally,
  };
}
