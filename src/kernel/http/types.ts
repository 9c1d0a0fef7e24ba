/** The shapes of the HTTP door: what a route declares and what its handler is given. */
import type { Readable } from 'node:stream';
import type { z } from 'zod';
import type { Principal } from '#kernel/auth';
import type { AuditEntry } from '#kernel/audit';
import type { Config } from '#kernel/config';
import type { Contract, Operation, OperationKey } from '#kernel/contract';
import type { Database, Tx } from '#kernel/db';
import type { ErrorTable, Problem } from '#kernel/errors';
import type { PlanLimit } from '#kernel/limits';
import type { Logger } from '#kernel/log';
import type { Services } from '#kernel/app';

type Infer<S, Otherwise> = S extends z.ZodType ? z.output<S> : Otherwise;

/** Access says who may call: everybody, anybody signed in, who runs the server, or holders of a permission in the current organisation. */
export type Access = 'public' | 'signed-in' | 'operator' | { readonly permission: string };

/** Limit names a declared limit (`agents.chat`) or states one; `by` is what is counted. */
export interface Limit {
  readonly name: string;
  readonly max: number;
  readonly windowSeconds: number;
  readonly by: 'user' | 'address' | 'tenant';
  /** As in LimitRule; `fixed` by default. */
  readonly kind?: 'fixed' | 'sliding';
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
  /** The same in a few words, `Firefox on Linux`, for people and for the audit trail; undefined when nothing was said. */
  readonly device: string | undefined;
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
  /** One transaction of the caller, in the organisation it works in unless another of its own is named. */
  tenant<T>(work: (tx: Tx) => Promise<T>, tenantId?: string): Promise<T>;
  /** One transaction as the role for accounts and organisations; for kernel/auth, kernel/tenancy, kernel/privacy, kernel/admin. */
  auth<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
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

/** RedirectAnswer sends the browser to another page of this server. */
export interface RedirectAnswer {
  readonly kind: 'redirect';
  /** Path with query and fragment; the pipeline refuses whatever could lead elsewhere. */
  readonly path: string;
}

/** NotModified is the answer to who has the present version already (304); the handler has set its ETag. */
export interface NotModified {
  readonly kind: 'not-modified';
}

type Answer<Op extends Operation> =
  | (Op['response'] extends z.ZodType ? z.input<Op['response']> : void)
  | (Op['stream'] extends true ? EventStream : never)
  | (Op['redirects'] extends true ? RedirectAnswer : never)
  | NotModified
  | BinaryAnswer;

interface RouteBase {
  /** Dotted id: operation = permission root = audit action, `agents.agent.create`. */
  readonly id: string;
  readonly limit: Limit;
  /** Counted besides `limit`, for the whole organisation, as its plan allows. */
  readonly planLimit?: PlanLimit;
  /** POST routes that create or cost honour Idempotency-Key. */
  readonly idempotent?: boolean;
  /**
   * The field of the body by which the handler itself recognises what it has done already: a repetition of a request that
   * has it runs again where a crash lost the answer, instead of hearing IDEMPOTENCY_ANSWER_LOST.
   */
  readonly recognisesBy?: string;
  /** Feature flag that must be on for the caller's organisation; else FEATURE_OFF. */
  readonly flag?: string;
  /** True when the caller must have given a password or passkey within STEP_UP_MINUTES; else STEP_UP_REQUIRED. */
  readonly stepUp?: boolean;
  /** True for the one act of a support visit: ending it. */
  readonly endsVisit?: boolean;
  /** True when API keys may use a route that asks for no permission: what it shows is the key's own or found by its id alone. */
  readonly openToKeys?: boolean;
  /** True when the answer holds a secret that is shown once: it is never stored, so such a POST is not idempotent. */
  readonly showsSecretOnce?: boolean;
  /** True when origins listed in CORS_ORIGINS may call this route; it never sees their cookies. */
  readonly cors?: boolean;
  /** How a route with a foreign protocol renders problems. */
  readonly renderProblem?: (problem: Problem) => object;
  /** Error codes this route may answer besides the kernel's, for OpenAPI. */
  readonly errors?: readonly string[];
  /** Bytes; default 1 MiB. */
  readonly bodyLimitBytes?: number;
  /** Largest uploaded file in bytes, where it is another than UPLOAD_MAX_MB. */
  readonly uploadLimitBytes?: (config: Config) => number;
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
