/** The vocabulary of the model gateway: one request shape in, one stream of parts out, whatever the provider. */
import type { TenantScope } from '#kernel/db';

export interface ChatMessage {
  readonly role: 'system' | 'user' | 'assistant' | 'tool';
  readonly content: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly toolCallId?: string;
}

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON text as the model wrote it; validated by whoever runs the tool. */
  readonly arguments: string;
}

export interface ToolDefinition {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly parameters: Readonly<Record<string, unknown>>;
}

/** Passage is knowledge given to the model, numbered from 1; the offline model quotes it, others cite it as [n]. */
export interface Passage {
  readonly number: number;
  readonly title: string;
  readonly text: string;
}

/** ModelRef names a model of an organisation; `connectionId` null is the built-in offline model. */
export interface ModelRef {
  readonly connectionId: string | null;
  readonly model: string;
}

export interface ModelRequest {
  readonly scope: TenantScope;
  readonly app: string;
  /** What the call is for, such as an agent's id; recorded with the usage. */
  readonly subjectId?: string;
  readonly runId?: string;
  readonly model: ModelRef;
  readonly messages: readonly ChatMessage[];
  readonly passages?: readonly Passage[];
  readonly tools?: readonly ToolDefinition[];
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly signal?: AbortSignal;
}

export interface Usage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  /** True when the provider gave no figures and we counted ourselves. */
  readonly isEstimated: boolean;
  /** Millionths of a US dollar; null when no price is known. */
  readonly costMicros: number | null;
  readonly firstTokenMilliseconds: number | null;
  readonly durationMilliseconds: number;
}

export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'content-filter' | 'other';

export type StreamPart =
  | { readonly type: 'text-delta'; readonly text: string }
  | { readonly type: 'reasoning-delta'; readonly text: string }
  | { readonly type: 'tool-call'; readonly call: ToolCall }
  | { readonly type: 'usage'; readonly usage: Usage }
  | { readonly type: 'finish'; readonly reason: FinishReason };

export interface ModelGateway {
  /**
   * Streams an answer. Failures are thrown as AppErrors of the llm table (K6.2), never yielded; parts
   * yielded before a failure stand. Retries happen only before the first part. Ends with `usage`, `finish`.
   * The call is recorded (K11.4) however it ends.
   */
  stream(request: ModelRequest): AsyncIterable<StreamPart>;
  /** Asks the endpoint which models it offers. */
  listModels(scope: TenantScope, connectionId: string): Promise<readonly string[]>;
  /** Forgets cached connection details after a change. */
  invalidate(connectionId: string): void;
  close(): Promise<void>;
}
