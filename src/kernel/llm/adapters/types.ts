/** What an adapter is given and what it gives back; policies, records and prices are no concern of adapters. */
import type { ChatMessage, ConnectionKind, Passage, StreamPart, ToolDefinition } from '../types.ts';

/** Endpoint is a connection made ready for use. */
export interface Endpoint {
  readonly kind: ConnectionKind | 'offline';
  /** Without a trailing slash; '' for the offline model. */
  readonly baseUrl: string;
  readonly apiKey: string | null;
}

export interface AdapterCall {
  readonly endpoint: Endpoint;
  readonly model: string;
  /** Fitted to the window, passages and tool outputs already rendered. */
  readonly messages: readonly ChatMessage[];
  readonly passages: readonly Passage[];
  readonly tools: readonly ToolDefinition[];
  readonly temperature: number | undefined;
  readonly maxOutputTokens: number | undefined;
  readonly signal: AbortSignal;
  /** Call on every sign of life, keep-alive comments included. */
  readonly onAlive: () => void;
}

export interface TokenCounts {
  /** All that was read, from and into the provider's cache included. */
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  /** Anthropic's cache writes; other providers charge none. */
  readonly cacheWriteInputTokens?: number;
  readonly outputTokens: number;
}

/** AdapterPart is a stream part as the provider knows it: its usage has tokens but neither price nor times. */
export type AdapterPart =
  | Exclude<StreamPart, { type: 'usage' }>
  | { readonly type: 'usage'; readonly tokens: TokenCounts };

export interface Adapter {
  /**
   * Opens a call. Yields the parts of each network read together; an empty list says that the model has begun to write
   * something that is only shown when whole, a tool call. Ends after `finish`; throws
   * errors of the llm table, MODEL_INTERRUPTED when the answer breaks off.
   */
  open(call: AdapterCall): AsyncIterable<readonly AdapterPart[]>;
  listModels(endpoint: Endpoint, signal: AbortSignal): Promise<readonly string[]>;
}
