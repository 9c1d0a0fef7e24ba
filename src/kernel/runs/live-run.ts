/** LiveRun is a run executing here: it numbers events once, in order, and hands them to whoever listens in this process. */
import type { ServerSentEvent } from '#kernel/http';
import { formatEventId } from './event-id.ts';

/** StoredEvent is an event in the form that goes to the wire; made once and shared by all subscribers. */
export interface StoredEvent extends ServerSentEvent {
  readonly id: string;
  readonly event: string;
  readonly data: string;
  readonly attempt: number;
  readonly seq: number;
}

export type Subscriber = (events: readonly StoredEvent[]) => void;

/** Beyond this many characters the flushed events of a long run are dropped from memory; readers get them from SQL. */
const memoryCharacters = 1_000_000;

/** PostgreSQL's jsonb holds neither NUL nor half a surrogate pair; both become U+FFFD. */
function cleanJson(json: string): string {
  return json.includes('\\u')
    ? json.replaceAll(/(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi, '$1\ufffd')
    : json;
}

export function serialiseEvent(
  attempt: number,
  seq: number,
  type: string,
  step: number,
  data: Readonly<Record<string, unknown>>,
): StoredEvent {
  return {
    id: formatEventId(attempt, seq),
    event: type,
    data: cleanJson(JSON.stringify({ step, ...data })),
    attempt,
    seq,
  };
}

export interface LiveRunIdentity {
  readonly runId: string;
  readonly tenantId: string;
  readonly ownerId: string;
}

/** Why a run's signal fired; `shutdown` and `lease-lost` leave the run to others, `cancelled` and `not-allowed` end it. */
export type AbortCause = 'cancelled' | 'not-allowed' | 'lease-lost' | 'shutdown';

export class RunAbortedError extends Error {
  readonly why: AbortCause;
  constructor(why: AbortCause) {
    super(`the run was aborted: ${why}`);
    this.name = 'RunAbortedError';
    this.why = why;
  }
}

export class LiveRun {
  readonly runId: string;
  readonly tenantId: string;
  readonly ownerId: string;
  readonly abort = new AbortController();
  attempt = 0;
  /** Number of the last event emitted, and of the last one that is durable. */
  lastSeq = 0;
  flushedSeq = 0;
  /** Sequence number of events[0]. */
  firstSeqInMemory = 1;
  events: StoredEvent[] = [];
  /** Visible text of this attempt, kept as the partial answer should it end badly. */
  text = '';
  readonly #subscribers = new Set<Subscriber>();
  readonly #onEmit: (run: LiveRun) => void;
  readonly #endCallbacks = new Set<() => void>();
  #isEnded = false;
  #growing: { readonly step: number; text: string } | null = null;
  #publishedSeq = 0;
  #characters = 0;

  constructor(identity: LiveRunIdentity, onEmit: (run: LiveRun) => void) {
    this.runId = identity.runId;
    this.tenantId = identity.tenantId;
    this.ownerId = identity.ownerId;
    this.#onEmit = onEmit;
  }

  /** Starts numbering anew under a higher attempt; what the old one left unflushed is void. */
  beginAttempt(attempt: number): void {
    this.publish();
    this.attempt = attempt;
    this.lastSeq = 0;
    this.flushedSeq = 0;
    this.firstSeqInMemory = 1;
    this.events = [];
    this.text = '';
    this.#publishedSeq = 0;
    this.#characters = 0;
  }

  /**
   * Takes an event. Text that follows text of the same step before anybody has seen it joins the same event, so that a
   * busy server sends fewer and larger events; once published an event never changes.
   */
  emit(type: string, step: number, data: Readonly<Record<string, unknown>>): void {
    if (type === 'text-delta' && typeof data['text'] === 'string') {
      this.text += data['text'];
      if (this.#growing?.step === step) this.#growing.text += data['text'];
      else {
        this.#closeGrowing();
        this.#growing = { step, text: data['text'] };
      }
    } else {
      this.#closeGrowing();
      this.#append(type, step, data);
    }
    this.#onEmit(this);
  }

  #closeGrowing(): void {
    const growing = this.#growing;
    if (!growing) return;
    this.#growing = null;
    this.#append('text-delta', growing.step, { text: growing.text });
  }

  #append(type: string, step: number, data: Readonly<Record<string, unknown>>): void {
    this.lastSeq += 1;
    const event = serialiseEvent(this.attempt, this.lastSeq, type, step, data);
    this.events.push(event);
    this.#characters += event.data.length;
  }

  /** Hands everything not yet handed out to the subscribers, in one call each. */
  publish(): void {
    this.#closeGrowing();
    if (this.#publishedSeq === this.lastSeq) return;
    const fresh = this.events.slice(this.#publishedSeq + 1 - this.firstSeqInMemory);
    this.#publishedSeq = this.lastSeq;
    for (const subscriber of this.#subscribers) subscriber(fresh);
  }

  /** Calls back with every event from now on; what came before is in `events` (after `publish`) or in SQL. */
  subscribe(subscriber: Subscriber): () => void {
    this.publish();
    this.#subscribers.add(subscriber);
    return () => void this.#subscribers.delete(subscriber);
  }

  /** Calls back when this process no longer executes the run, finished or not. */
  onEnd(callback: () => void): void {
    if (this.#isEnded) callback();
    else this.#endCallbacks.add(callback);
  }

  /** Hands out the last events and lets the subscribers go. */
  end(): void {
    this.publish();
    this.#isEnded = true;
    for (const callback of this.#endCallbacks) callback();
  }

  /** Aborts the body; the first cause stands. */
  stop(why: AbortCause): void {
    this.abort.abort(new RunAbortedError(why));
  }

  /** Why the body was aborted, or null. */
  get abortCause(): AbortCause | null {
    const { reason } = this.abort.signal;
    return reason instanceof RunAbortedError ? reason.why : null;
  }

  /** The events that wait to become durable; publishes first, because only what was published is fixed. */
  unflushed(): readonly StoredEvent[] {
    this.publish();
    return this.events.slice(this.flushedSeq + 1 - this.firstSeqInMemory);
  }

  markFlushed(seq: number): void {
    this.flushedSeq = Math.max(this.flushedSeq, seq);
    if (this.#characters <= memoryCharacters) return;
    const keepFrom = Math.min(this.flushedSeq, this.#publishedSeq) + 1;
    this.events = this.events.slice(keepFrom - this.firstSeqInMemory);
    this.firstSeqInMemory = keepFrom;
    this.#characters = this.events.reduce((sum, event) => sum + event.data.length, 0);
  }
}
