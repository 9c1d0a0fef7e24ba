/** Follows a run's events to its end: each once and in order, through dropped connections, sleep and server restarts. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { ApiProblem, networkProblem, toProblem } from './api-problem.ts';
import {
  apiRoot,
  isOrganisationChanged,
  isPersonChanged,
  newIdempotencyKey,
  organisationChanged,
  placeHeaders,
  regainSession,
  sessionLost,
} from './api.ts';
import { isNewer, type RunEvent } from './fold-run-events.ts';
import { countAnswers } from './question.ts';

export type Connection = 'connecting' | 'live' | 'waiting';

export interface FollowOptions {
  /** Go on after this event; null or absent for all of them. */
  readonly lastEventId?: string | null;
  /** Ends the following, not the run. */
  readonly signal?: AbortSignal;
  readonly onConnection?: (connection: Connection) => void;
  /** Waits before a reconnection; tests replace it. */
  readonly pause?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/** StartRun is a POST that begins a run and answers with its stream when asked to. */
export interface StartRun {
  /** Relative to the API's root: `/conversations/…/messages`. */
  readonly path: string;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
}

/** The server sends a comment every 15 s; three missed ones mean the connection is dead though nobody said so. */
const silenceMilliseconds = 45_000;
const firstPauseMilliseconds = 500;
const longestPauseMilliseconds = 10_000;

/**
 * followRun yields the events of a run until `done` has been yielded. It reconnects by itself, with backoff and at once
 * when the network is back. Throws ApiProblem when the run does not exist or may not be seen, and returns when aborted.
 */
export function followRun(runId: string, options: FollowOptions = {}): AsyncGenerator<RunEvent, void> {
  return follow(() => runEventsPath(runId), null, options);
}

/**
 * startRun sends the POST and yields the events of the run it began, from the same answer. The answer's `location` header
 * (`/api/v1/runs/<id>`) names the run for reconnections; a lost answer is asked for again with the same idempotency key.
 */
export function startRun(start: StartRun, options: FollowOptions = {}): AsyncGenerator<RunEvent, void> {
  const idempotencyKey = start.idempotencyKey ?? newIdempotencyKey();
  return follow(null, { ...start, idempotencyKey }, options);
}

function runEventsPath(runId: string): string {
  return `/runs/${encodeURIComponent(runId)}/events`;
}

async function* follow(
  known: (() => string) | null,
  start: StartRun | null,
  options: FollowOptions,
): AsyncGenerator<RunEvent, void> {
  const signal = options.signal ?? new AbortController().signal;
  const pause = options.pause ?? pauseUntilOnline;
  let path = known;
  let lastEventId = options.lastEventId ?? null;
  let failures = 0;
  while (!signal.aborted) {
    const sentAt = countAnswers();
    try {
      options.onConnection?.('connecting');
      const response = path
        ? await open(path(), { lastEventId, signal })
        : await open(start?.path ?? '', { start, lastEventId, signal });
      const runId = /\/runs\/([^/?#]+)/.exec(response.headers.get('location') ?? '')?.[1];
      if (!path && runId) path = () => runEventsPath(runId);
      options.onConnection?.('live');
      for await (const event of readEvents(response, signal)) {
        failures = 0;
        if (!isNewer(event.id, lastEventId)) continue;
        lastEventId = event.id;
        yield event;
        if (event.type === 'done') return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (isFinal(error)) {
        options.onConnection?.('waiting');
        if (!(await mayGoOn(error, { sentAt, signal, isRead: path !== null }))) throw error;
      }
    }
    if (signal.aborted) return;
    options.onConnection?.('waiting');
    await pause(backoff(failures), signal);
    failures += 1;
  }
}

/** isFinal tells refusals, which repeating cannot change, from troubles of the moment. */
function isFinal(error: unknown): error is ApiProblem {
  const isMomentary = error instanceof ApiProblem && (error.status === 0 || error.status >= 500 || error.isRetryable);
  return error instanceof ApiProblem && !isMomentary;
}

interface Refused {
  readonly sentAt: number;
  readonly signal: AbortSignal;
  /** Whether the run is only followed, which can wait; what was to be sent is refused. */
  readonly isRead: boolean;
}

async function mayGoOn(error: ApiProblem, { sentAt, signal, isRead }: Refused): Promise<boolean> {
  if (isOrganisationChanged(error)) return organisationChanged.ask(sentAt);
  if (error.code !== 'UNAUTHENTICATED' && !isPersonChanged(error)) return false;
  if (await regainSession(sentAt, { isRead })) return true;
  if (!isRead || !sessionLost.isDeclined()) return false;
  await whileDeclined(signal);
  return true;
}

/** whileDeclined waits until the person is asked to sign in again, or does so; no longer than until `signal` aborts. */
function whileDeclined(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (sessionLost.isDeclined() && !signal.aborted) return;
      stopListening();
      signal.removeEventListener('abort', look);
      resolve();
    };
    const stopListening = sessionLost.subscribe(look);
    signal.addEventListener('abort', look);
    look();
  });
}

function backoff(failures: number): number {
  const bound = Math.min(longestPauseMilliseconds, firstPauseMilliseconds * 2 ** failures);
  return bound / 2 + (Math.random() * bound) / 2; // jitter: a restarted server is not met by everybody at once
}

interface OpenOptions {
  readonly start?: StartRun | null;
  readonly lastEventId: string | null;
  readonly signal: AbortSignal;
}

async function open(path: string, { start, lastEventId, signal }: OpenOptions): Promise<Response> {
  const headers: Record<string, string> = { accept: 'text/event-stream', ...placeHeaders() };
  if (lastEventId !== null) headers['last-event-id'] = lastEventId;
  if (start?.idempotencyKey) headers['idempotency-key'] = start.idempotencyKey;
  if (start?.body !== undefined) headers['content-type'] = 'application/json';
  const body = start?.body === undefined ? null : JSON.stringify(start.body);
  let response: Response;
  try {
    response = await fetch(apiRoot + path, {
      method: start ? 'POST' : 'GET',
      headers,
      body,
      signal,
      cache: 'no-store',
      credentials: 'same-origin',
    });
  } catch (error) {
    throw networkProblem(error);
  }
  if (!response.ok) throw await toProblem(response);
  return response;
}

/** readEvents yields the frames of an answer; it throws when the answer breaks off or falls silent. */
async function* readEvents(response: Response, signal: AbortSignal): AsyncGenerator<RunEvent, void> {
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  if (!reader) return;
  const arrived: RunEvent[] = [];
  const parser = createParser({ onEvent: (message) => arrived.push(...toRunEvent(message)) });
  const stop = () => void reader.cancel().catch(() => undefined);
  signal.addEventListener('abort', stop);
  try {
    for (;;) {
      const chunk = await readWithin(reader, silenceMilliseconds);
      if (chunk.done) return;
      parser.feed(chunk.value);
      yield* arrived.splice(0);
    }
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

async function readWithin(reader: ReadableStreamDefaultReader<string>, milliseconds: number) {
  const watchdog = setTimeout(() => void reader.cancel().catch(() => undefined), milliseconds);
  try {
    return await reader.read();
  } finally {
    clearTimeout(watchdog);
  }
}

/** A frame without id or with broken JSON is dropped: the next reconnection replays what matters. */
function toRunEvent(message: EventSourceMessage): RunEvent[] {
  if (!message.id) return [];
  try {
    return [{ id: message.id, type: message.event ?? 'message', data: JSON.parse(message.data) as RunEvent['data'] }];
  } catch {
    return [];
  }
}

/** pauseUntilOnline waits, but no longer than until the network or the page comes back or `signal` aborts. */
function pauseUntilOnline(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      removeEventListener('online', wake);
      document.removeEventListener('visibilitychange', wake);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    addEventListener('online', wake);
    document.addEventListener('visibilitychange', wake);
    signal.addEventListener('abort', wake);
  });
}
