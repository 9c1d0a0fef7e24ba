/** One HTTP exchange: every way it can end is an error of ours or a response, and its timers never outlive it. */
import { validateHeaderName, validateHeaderValue } from 'node:http';
import type { Agent, Dispatcher } from 'undici';
import { isAppError } from '#kernel/errors';
import { createBody, type Body } from './body.ts';
import { outboundErrors, timeoutError, type OutboundPhase } from './errors.ts';
import type { OutboundRequest, OutboundResponse } from './types.ts';

export interface Exchange {
  readonly agent: Agent;
  readonly url: URL;
  readonly method: NonNullable<OutboundRequest['method']>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OutboundRequest['body'];
  readonly request: OutboundRequest;
  /** Aborted with the error the caller is to see: total timeout or the caller's own signal. */
  readonly giveUp: AbortSignal;
  /** Called once, when the body has ended in any way. */
  readonly onClose: () => void;
}

/** toOutboundError maps what undici or the network reports; `hasBegun` is whether headers had arrived. */
function toOutboundError(error: unknown, hasBegun: boolean): Error {
  if (isAppError(error)) return error;
  const inner = error instanceof AggregateError ? error.errors.find(isAppError) : undefined;
  if (inner) return inner;
  const code = (error as { code?: string }).code ?? '';
  if (code === 'ETIMEDOUT') return timeoutError('connect', error);
  if (code === 'UND_ERR_INVALID_ARG')
    return outboundErrors.OUTBOUND_URL_INVALID({ internal: 'cannot be sent', cause: error });
  if (
    (error as Error).name === 'HTTPParserError' ||
    code === 'UND_ERR_HEADERS_OVERFLOW' ||
    code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH'
  ) {
    return outboundErrors.OUTBOUND_BAD_RESPONSE({ internal: `not HTTP: ${code}`, cause: error });
  }
  if (hasBegun) return outboundErrors.OUTBOUND_INTERRUPTED({ internal: code, cause: error });
  return outboundErrors.OUTBOUND_UNREACHABLE({ internal: code, cause: error, extensions: { reason: code } });
}

function flatten(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}

const defaultTimeoutMilliseconds = 30_000;

/** Watch is one timer that is only re-armed when it fires, so that a piece of the body costs no timer call. */
class Watch {
  readonly #onExpire: () => void;
  readonly #isPaused: () => boolean;
  #milliseconds: number;
  #lastSign = performance.now();
  #timer: NodeJS.Timeout;

  constructor(milliseconds: number, isPaused: () => boolean, onExpire: () => void) {
    this.#milliseconds = milliseconds;
    this.#isPaused = isPaused;
    this.#onExpire = onExpire;
    this.#timer = setTimeout(() => this.#check(), milliseconds);
  }

  /** restart gives the next phase its own time; touch only notes a sign of life. */
  restart(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#milliseconds = milliseconds;
    this.touch();
    this.#timer = setTimeout(() => this.#check(), milliseconds);
  }

  touch(): void {
    this.#lastSign = performance.now();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #check(): void {
    // Silence while we ourselves hold the sender back is not the sender's.
    if (this.#isPaused()) this.touch();
    const left = this.#lastSign + this.#milliseconds - performance.now();
    if (left <= 0.5) this.#onExpire();
    else this.#timer = setTimeout(() => this.#check(), left);
  }
}

class ExchangeHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange;
  readonly #settle: { resolve(response: OutboundResponse): void; reject(error: Error): void };
  #controller: Dispatcher.DispatchController | null = null;
  #body: Body | null = null;
  #watch: Watch | null = null;
  #isClosed = false;
  readonly #onGiveUp = (): void => this.#fail(this.#exchange.giveUp.reason as Error);

  constructor(options: Exchange, settle: { resolve(response: OutboundResponse): void; reject(error: Error): void }) {
    this.#exchange = options;
    this.#settle = settle;
    options.giveUp.addEventListener('abort', this.#onGiveUp, { once: true });
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isClosed) {
      controller.abort(outboundErrors.OUTBOUND_ABORTED());
      return;
    }
    const { headersTimeoutMilliseconds = defaultTimeoutMilliseconds } = this.#exchange.request;
    const phase = (): OutboundPhase => (this.#body ? 'idle' : 'headers');
    this.#watch?.stop(); // undici starts a request anew when a kept-alive connection turns out dead
    this.#watch = new Watch(
      headersTimeoutMilliseconds,
      () => controller.paused,
      () => this.#fail(timeoutError(phase())),
    );
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    raw: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return;
    const headers = flatten(raw);
    const flow = {
      pause: () => controller.pause(),
      resume: () => controller.resume(),
      abort: (reason: Error) => this.#fail(reason),
    };
    let body: Body;
    try {
      body = createBody(headers['content-encoding'], flow, this.#exchange.request.maxResponseBytes);
    } catch (error) {
      this.#fail(error as Error);
      return;
    }
    this.#body = body;
    this.#watch?.restart(this.#exchange.request.idleTimeoutMilliseconds ?? defaultTimeoutMilliseconds);
    this.#settle.resolve({
      status,
      headers,
      body,
      text: () => readText(body),
      discard: () => this.#fail(outboundErrors.OUTBOUND_ABORTED()),
    });
  }

  onResponseData(_controller: Dispatcher.DispatchController, piece: Buffer): void {
    this.#watch?.touch();
    this.#body?.push(piece);
  }

  onResponseEnd(): void {
    this.#body?.end();
    this.#close();
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#fail(toOutboundError(error, this.#body !== null));
  }

  #fail(error: Error): void {
    if (this.#isClosed) return;
    this.#close();
    if (this.#body) this.#body.fail(error);
    else this.#settle.reject(error);
    this.#controller?.abort(error);
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.stop();
    this.#exchange.giveUp.removeEventListener('abort', this.#onGiveUp);
    this.#exchange.onClose();
  }
}

async function readText(body: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body) pieces.push(piece);
  return Buffer.concat(pieces).toString('utf8');
}

/**
 * assertSendable throws what a caller is to see of a header that cannot be sent. undici must never find it: a connection
 * that is not open yet would count as busy from then on, and every later request to that host would wait in vain.
 */
function assertSendable(headers: Readonly<Record<string, string>>): void {
  try {
    for (const [name, value] of Object.entries(headers)) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
  } catch (cause) {
    throw outboundErrors.OUTBOUND_URL_INVALID({ internal: 'a header cannot be sent', cause });
  }
}

/** exchange sends one request and resolves when the response's headers are in. Rejects with errors of the outbound table. */
export function exchange(options: Exchange): Promise<OutboundResponse> {
  return new Promise((resolve, reject) => {
    const handler = new ExchangeHandler(options, { resolve, reject });
    const { agent, body, headers, method, url } = options;
    try {
      assertSendable(headers);
      agent.dispatch(
        {
          origin: url.origin,
          path: url.pathname + url.search,
          method,
          headers,
          body: body ?? null,
          headersTimeout: 0, // ours is exact, undici's is not: see Watch
          bodyTimeout: 0,
        },
        handler,
      );
    } catch (error) {
      // undici throws at once for what cannot be sent
      handler.onResponseError(
        null as never,
        outboundErrors.OUTBOUND_URL_INVALID({ internal: 'refused by the HTTP client', cause: error }),
      );
    }
  });
}
