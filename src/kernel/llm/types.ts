/** The vocabulary of the model gateway: one request shape in, one stream of parts out, whatever the provider. */
import type { TenantScope, Tx } from '#kernel/db';

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

/**
 * Passage is knowledge given to the model, numbered from 1, best first; the offline model quotes it, others cite it as
 * [n]. The gateway itself puts passages into the prompt, marked as untrusted: do not also place them in `messages`.
 */
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
  /** API key by which the call came; its budget counts. */
  readonly keyId?: string;
  readonly model: ModelRef;
  readonly messages: readonly ChatMessage[];
  readonly passages?: readonly Passage[];
  readonly tools?: readonly ToolDefinition[];
  readonly temperature?: number;
  readonly maxOutputTokens?: number;
  readonly signal?: AbortSignal;
  /** Models to ask in turn when `model` fails before its first part for a reason another might not have. */
  readonly fallbacks?: readonly ModelRef[];
}

export interface Usage {
  readonly inputTokens: number;
  readonly cachedInputTokens: number;
  readonly outputTokens: number;
  /** True when the provider gave no figures and we counted ourselves. */
  readonly isEstimated: boolean;
  /** Millionths of CURRENCY; null when no price is known. */
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

export type ConnectionKind = 'openai-compatible' | 'anthropic' | 'google' | 'mistral';

/** TestTarget is a saved connection, or values nobody has saved yet. `model` absent: the first the endpoint offers. */
export type TestTarget =
  | { readonly scope: TenantScope; readonly connectionId: string; readonly model?: string }
  | {
      readonly kind: ConnectionKind;
      readonly baseUrl: string;
      readonly apiKey: string | null;
      readonly model?: string;
    };

export interface TestOutcome {
  readonly isOk: boolean;
  readonly latencyMilliseconds: number;
  readonly model: string | null;
  readonly modelCount: number | null;
  readonly problem: { readonly code: string; readonly detail: string; readonly isRetryable: boolean } | null;
}

export interface LocalEndpoint {
  readonly program: 'ollama' | 'llama.cpp';
  readonly baseUrl: string;
  readonly models: readonly string[];
}

export interface ModelGateway {
  /**
   * Streams an answer. Failures are thrown as AppErrors of the llm table (K6.2), never yielded; parts
   * yielded before a failure stand. Retries happen only before the first part. Ends with `usage`, `finish`; what fails
   * or is stopped after its request has left gives its `usage` too, before it throws. The call is recorded (K11.4)
   * however it ends, and its worst case is reserved under the budgets that bind it (K4.5): BUDGET_EXHAUSTED.
   */
  stream(request: ModelRequest): AsyncIterable<StreamPart>;
  /** Asks the endpoint which models it offers. */
  listModels(scope: TenantScope, connectionId: string): Promise<readonly string[]>;
  /** Makes a tiny real call; what goes wrong is the answer, never thrown. */
  testConnection(target: TestTarget): Promise<TestOutcome>;
  /** Asks the well-known local addresses for an Ollama or llama.cpp, each for at most 300 ms. */
  discover(): Promise<readonly LocalEndpoint[]>;
  /** Throws MODEL_CONNECTION_NOT_FOUND unless the transaction's organisation has this connection; null is always there. */
  assertConnection(tx: Tx, connectionId: string | null): Promise<void>;
  /** Endpoints this process has asked of late, and how many of them are given a rest because they failed in a row. */
  health(): { readonly endpoints: number; readonly resting: number };
  /** Forgets cached connection details after a change. */
  invalidate(connectionId: string): void;
  close(): Promise<void>;
}
