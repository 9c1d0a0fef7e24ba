/** A talker is a client that sends messages one after another and, whatever breaks, finds out what became of each. */
import { randomUUID } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApiClient } from './api-client.ts';
import { readFrames, type Frame } from './event-reader.ts';

/** Turn is one message as the client saw it. */
export interface Turn {
  readonly text: string;
  readonly clientMessageId: string;
  runId: string | null;
  /** True once the server has said that it accepted the message. */
  isAccepted: boolean;
  /** Every frame received, over all connections, in order of arrival. */
  readonly frames: Frame[];
  connections: number;
}

interface TurnAnswer {
  readonly run: { readonly id: string };
}

const retryMilliseconds = 60;
const giveUpMilliseconds = 120_000;

export class Talker {
  readonly turns: Turn[] = [];
  readonly conversationId: string;
  readonly #client: ApiClient;
  #isFinishing = false;

  private constructor(client: ApiClient, conversationId: string) {
    this.#client = client;
    this.conversationId = conversationId;
  }

  static async create(client: ApiClient, agentId: string): Promise<Talker> {
    const conversation = await client.call<{ id: string }>('POST', '/conversations', { agentId });
    return new Talker(client, conversation.id);
  }

  /** Lets the turn under way end and sends no more. */
  finishSoon(): void {
    this.#isFinishing = true;
  }

  async talk(): Promise<void> {
    while (!this.#isFinishing) {
      const number = this.turns.length;
      const turn: Turn = {
        text: `message ${number} of ${this.conversationId}`,
        clientMessageId: randomUUID(),
        runId: null,
        isAccepted: false,
        frames: [],
        connections: 0,
      };
      this.turns.push(turn);
      await this.#carryThrough(turn);
    }
  }

  /** Sends until accepted, then follows until done, reconnecting from the last event it has. */
  async #carryThrough(turn: Turn): Promise<void> {
    const deadline = performance.now() + giveUpMilliseconds;
    while (performance.now() < deadline) {
      try {
        const response = turn.runId === null ? await this.#post(turn) : await this.#follow(turn);
        if (response) await this.#read(turn, response);
        if (turn.frames.at(-1)?.event === 'done') return;
      } catch {
        // The server is dead or dying: try again until it is back.
      }
      await wait(retryMilliseconds);
    }
  }

  async #post(turn: Turn): Promise<Response | null> {
    // Every second message asks for the stream at once, the others for 202 and follow the run.
    const wantsStream = this.turns.length % 2 === 0;
    const response = await this.#client.send(
      'POST',
      `/conversations/${this.conversationId}/messages`,
      { text: turn.text, clientMessageId: turn.clientMessageId },
      { 'idempotency-key': turn.clientMessageId, accept: wantsStream ? 'text/event-stream' : 'application/json' },
    );
    if (!response.ok) {
      await response.body?.cancel();
      return null;
    }
    turn.isAccepted = true;
    if (response.headers.get('content-type')?.startsWith('text/event-stream')) {
      turn.runId = response.headers.get('location')?.split('/').at(-1) ?? null;
      return response;
    }
    turn.runId = ((await response.json()) as TurnAnswer).run.id;
    return null;
  }

  async #follow(turn: Turn): Promise<Response | null> {
    const last = turn.frames.at(-1)?.id;
    const response = await this.#client.send('GET', `/runs/${turn.runId}/events`, undefined, {
      accept: 'text/event-stream',
      ...(last === undefined ? {} : { 'last-event-id': last }),
    });
    if (response.ok) return response;
    await response.body?.cancel();
    return null;
  }

  async #read(turn: Turn, response: Response): Promise<void> {
    turn.connections += 1;
    if (!response.body) return;
    for await (const frame of readFrames(response.body)) turn.frames.push(frame);
  }
}
