/** The shape of outbound HTTP: the one guarded way out (K11.6). */

export interface OutboundRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly signal?: AbortSignal;
  readonly connectTimeoutMilliseconds?: number;
  /** Until the response's headers. */
  readonly headersTimeoutMilliseconds?: number;
  /** Between two pieces of the body. */
  readonly idleTimeoutMilliseconds?: number;
  readonly totalTimeoutMilliseconds?: number;
  /** Decompressed bytes. */
  readonly maxResponseBytes: number;
  /** Hops to follow, each checked anew; 0 (default) gives the redirect as it is. */
  readonly maxRedirects?: number;
  /** Which private networks may be reached: those of the model allow-list, or the general one. */
  readonly purpose: 'model' | 'web';
}

export interface OutboundResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** The body; read it to the end or call `discard`. */
  readonly body: AsyncIterable<Uint8Array>;
  text(): Promise<string>;
  discard(): void;
}

export interface OutboundClient {
  fetch(url: string, request: OutboundRequest): Promise<OutboundResponse>;
  close(): Promise<void>;
}
