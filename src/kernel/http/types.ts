/** The shapes of the HTTP door: what a route declares and what its handler is given. */
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Principal } from '#kernel/auth';
import type { AuditEntry } from '#kernel/audit';
import type { Contract, Operation, OperationKey } from '#kernel/contract';
import type { Database, Tx } from '#kernel/db';
import type { ErrorTable } from '#kernel/errors';
import type { Logger } from '#kernel/log';
import type { Services } from '#kernel/app';

type Infer<S, Otherwise> = S extends z.ZodType ? z.output<S> : Otherwise;

/** Access says who may call: everybody, anybody signed in, or holders of a permission in the current organisation. */
export type Access = 'public' | 'signed-in' | { readonly permission: string };

/** Limit names a declared limit (`agents.chat`) or states one; `by` is what is counted. */
export interface Limit {
  readonly name: string;
  readonly max: number;
  readonly windowSeconds: number;
  readonly by: 'user' | 'address' | 'tenant';
}

export interface UploadedFile {
  /** The client's name for the file; never used as a path. */
  readonly filename: string;
  readonly claimedType: string;
  readonly stream: Readable;
}

export interface RequestContext<Op extends Operation = Operation> {
  readonly services: Services;
  readonly principal: Principal | null;
  readonly params: Infer<Op['params'], Record<string, never>>;
  readonly query: Infer<Op['query'], Record<string, never>>;
  readonly body: Infer<Op['body'], undefined>;
  /** Present on routes whose contract says `upload`. */
  readonly file: Op['upload'] extends true ? UploadedFile : undefined;
  readonly requestId: string;
  /** The caller's address as the server trusts it (K4.4). */
  readonly address: string;
  readonly userAgent: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Aborts when the client goes away. */
  readonly signal: AbortSignal;
  /** True when the client accepts `text/event-stream`. */
  readonly acceptsEventStream: boolean;
  setHeader(name: string, value: string): void;
  setCookies(cookies: readonly string[]): void;
}

/** SignedInContext is what a route that is not public receives: the principal is certain, `tenant` opens its transaction. */
export interface SignedInContext<Op extends Operation = Operation> extends RequestContext<Op> {
  readonly principal: Principal;
  tenant<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /** Writes the audit record of this request in the transaction of the act. */
  audit(tx: Tx, entry: Pick<AuditEntry, 'action' | 'resource' | 'details'>): Promise<void>;
}

/** ServerSentEvent is one frame; `data` is JSON-encoded once, by the producer. */
export interface ServerSentEvent {
  readonly id?: string;
  readonly event?: string;
  readonly data: string;
}

/** EventStream is an answer that stays open: `open` is handed a writer and resolves when the stream is over. */
export interface EventStream {
  readonly kind: 'event-stream';
  readonly open: (writer: EventWriter, signal: AbortSignal) => Promise<void>;
  /** Asked now and then while the stream is open; set by the pipeline, so that a session that ends takes its streams along. */
  readonly mayListen?: () => Promise<boolean>;
}

export interface EventWriter {
  /** Writes frames; several in one call become one socket write. */
  write(events: readonly ServerSentEvent[]): void;
  /** Bytes waiting for a slow client; the producer must stop at a bound rather than fill memory. */
  readonly bufferedBytes: number;
  /** Resolves when the buffer has drained. */
  drained(): Promise<void>;
}

/** BinaryAnswer sends a file rather than JSON. */
export interface BinaryAnswer {
  readonly kind: 'binary';
  readonly contentType: string;
  readonly body: Readable | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

type Answer<Op extends Operation> =
  | (Op['response'] extends z.ZodType ? z.input<Op['response']> : void)
  | (Op['stream'] extends true ? EventStream : never)
  | BinaryAnswer;

interface RouteBase {
  /** Dotted id: operation = permission root = audit action, `agents.agent.create`. */
  readonly id: string;
  readonly limit: Limit;
  /** POST routes that create or cost honour Idempotency-Key. */
  readonly idempotent?: boolean;
  /** True when origins listed in CORS_ORIGINS may call this route; it never sees their cookies. */
  readonly cors?: boolean;
  /** Error codes this route may answer besides the kernel's, for OpenAPI. */
  readonly errors?: readonly string[];
  /** Bytes; default 1 MiB. */
  readonly bodyLimitBytes?: number;
}

/** RouteOptions is all of a route but its contract; `access` decides whether the handler's principal is certain. */
export type RouteOptions<Op extends Operation, A extends Access = Access> = RouteBase & {
  readonly access: A;
  readonly handler: (ctx: [A] extends ['public'] ? RequestContext<Op> : SignedInContext<Op>) => Promise<Answer<Op>>;
};

/** Route is a defined route, ready to be mounted. */
export interface Route extends RouteBase {
  readonly key: OperationKey;
  readonly operation: Operation;
  readonly access: Access;
  readonly handler: (ctx: SignedInContext<Operation>) => Promise<unknown>;
}

export type { Contract, Database, ErrorTable, OperationKey };
