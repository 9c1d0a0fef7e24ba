/** RouteContext is what a handler is given: valid input, a certain caller, and the services; costly parts are made on use. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Services } from '#kernel/app';
import type { AuditEntry } from '#kernel/audit';
import { describeDevice, type Principal } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import type { Logger } from '#kernel/log';
import { clientAddressOf } from './client-address.ts';
import { stateOf } from './request-state.ts';
import type { SignedInContext, UploadedFile } from '../types.ts';
import type { ValidInput } from './validate.ts';

/** A transaction that still has to be confirmed must not be committed by its handler's last statement. */
function withoutCommit(tx: Tx): Tx {
  const query: Tx['query'] = (statement) => tx.query(statement);
  return {
    scope: tx.scope,
    query,
    last: query,
    get orm() {
      return tx.orm;
    },
  };
}

export class RouteContext implements SignedInContext {
  readonly services: Services;
  readonly params: never;
  readonly query: never;
  readonly body: never;
  readonly file: never;
  readonly requestId: string;
  readonly address: string;
  readonly #principal: Principal | null;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  #confirm: ((tx: Tx) => Promise<void>) | undefined;
  #log: Logger | undefined;
  #abort: AbortController | undefined;

  constructor(
    services: Services,
    request: FastifyRequest,
    reply: FastifyReply,
    input: ValidInput,
    file: UploadedFile | undefined,
  ) {
    const state = stateOf(request);
    this.services = services;
    this.params = input.params as never;
    this.query = input.query as never;
    this.body = input.body as never;
    this.file = file as never;
    this.requestId = state.requestId;
    this.address = clientAddressOf(request);
    this.#principal = state.principal;
    this.#request = request;
    this.#reply = reply;
  }

  /** The caller. On public routes it may be null, which their type says; on others the pipeline made sure of it. */
  get principal(): Principal {
    return this.#principal as Principal;
  }

  get userAgent(): string {
    return (this.#request.headers['user-agent'] ?? '').slice(0, 500);
  }

  get device(): string | undefined {
    return this.userAgent ? describeDevice(this.userAgent) : undefined;
  }

  get headers(): Readonly<Record<string, string | undefined>> {
    return this.#request.headers as Readonly<Record<string, string | undefined>>;
  }

  /** False with an Idempotency-Key as well: a stream cannot be given a second time, the JSON answer can. */
  get acceptsEventStream(): boolean {
    if (this.#confirm) return false;
    return this.#request.headers.accept?.includes('text/event-stream') ?? false;
  }

  get log(): Logger {
    this.#log ??= this.services.log.child({
      requestId: this.requestId,
      ...(this.#principal ? { tenantId: this.#principal.tenantId, userId: this.#principal.userId } : {}),
    });
    return this.#log;
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      this.#abort = abort;
      if (this.#reply.raw.destroyed) abort.abort();
      else this.#reply.raw.once('close', () => abort.abort());
    }
    return this.#abort.signal;
  }

  setHeader(name: string, value: string): void {
    this.#reply.header(name, value);
  }

  setCookies(cookies: readonly string[]): void {
    if (cookies.length > 0) this.#reply.header('set-cookie', [...cookies]);
  }

  tenant<T>(work: (tx: Tx) => Promise<T>, tenantId = this.#certainPrincipal().tenantId): Promise<T> {
    const { userId } = this.#certainPrincipal();
    return this.services.db.withTenant({ tenantId, userId }, this.#confirming(work));
  }

  auth<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.services.db.withAuth(this.#confirming(work));
  }

  #confirming<T>(work: (tx: Tx) => Promise<T>): (tx: Tx) => Promise<T> {
    const confirm = this.#confirm;
    if (!confirm) return work;
    return async (tx) => {
      const result = await work(withoutCommit(tx));
      await confirm(tx);
      return result;
    };
  }

  /** Has every later transaction of this request end with `confirm`; for the pipeline, not for handlers. */
  confirmWith(confirm: (tx: Tx) => Promise<void>): void {
    this.#confirm = confirm;
  }

  audit(tx: Tx, entry: Pick<AuditEntry, 'action' | 'resource' | 'details'>): Promise<void> {
    const actor = this.#certainPrincipal();
    return this.services.audit.record(tx, {
      ...entry,
      actor,
      tenantId: actor.tenantId,
      address: this.address,
      requestId: this.requestId,
      ...(this.device ? { device: this.device } : {}),
    });
  }

  #certainPrincipal(): Principal {
    if (!this.#principal) throw kernelErrors.UNAUTHENTICATED();
    return this.#principal;
  }
}
