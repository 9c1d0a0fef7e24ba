/** The one way out: no request of the server reaches a private address that is not listed, however it is spelled. */
import type { Agent } from 'undici';
import type { Config } from '#kernel/config';
import type { Logger } from '#kernel/log';
import { createAddressBook, type AddressBook } from './addresses.ts';
import { createGuardedAgent, isHostAllowed, systemResolver, type Resolver } from './connector.ts';
import { exchange } from './dispatch.ts';
import { outboundErrors, timeoutError } from './errors.ts';
import type { OutboundClient, OutboundRequest, OutboundResponse } from './types.ts';

export interface OutboundClientOptions {
  readonly config: Pick<Config, 'modelPrivateNetworks' | 'outboundPrivateNetworks'>;
  readonly log: Logger;
  /** Name resolution; the system's by default. */
  readonly resolve?: Resolver;
}

type Purpose = OutboundRequest['purpose'];

const defaultConnectTimeoutMilliseconds = 5_000;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);
/** What may follow a redirect to another origin; everything else may be a credential. */
const portableHeaders = new Set(['accept', 'accept-language', 'accept-encoding', 'user-agent', 'content-type']);

/** checkUrl parses an address and refuses what can be refused without resolving a name. */
function checkUrl(text: string | URL, book: AddressBook): URL {
  const url = URL.canParse(String(text)) ? new URL(text) : null;
  if (!url || (url.protocol !== 'http:' && url.protocol !== 'https:')) throw outboundErrors.OUTBOUND_URL_INVALID();
  if (url.username || url.password) {
    throw outboundErrors.OUTBOUND_URL_INVALID({ detail: 'An address must not carry a user name or password.' });
  }
  if (!isHostAllowed(url.hostname, book.isReachable)) throw outboundErrors.OUTBOUND_ADDRESS_FORBIDDEN();
  return url;
}

interface Hop {
  readonly url: URL;
  readonly method: NonNullable<OutboundRequest['method']>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: OutboundRequest['body'];
}

function lowerCaseHeaders(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

/** nextHop follows fetch's rules: 303 (and a POST's 301, 302) become GET, credentials stay with their origin. */
function nextHop(hop: Hop, status: number, url: URL): Hop {
  const isGet = status === 303 || (hop.method === 'POST' && (status === 301 || status === 302));
  let entries = Object.entries(hop.headers);
  if (url.origin !== hop.url.origin) entries = entries.filter(([name]) => portableHeaders.has(name));
  if (isGet) entries = entries.filter(([name]) => name !== 'content-type');
  return {
    url,
    method: isGet ? 'GET' : hop.method,
    headers: Object.fromEntries(entries),
    body: isGet ? undefined : hop.body,
  };
}

/** createGiveUp joins the caller's signal and the total timeout into one signal that carries our error. */
function createGiveUp(request: OutboundRequest): { signal: AbortSignal; release: () => void } {
  const controller = new AbortController();
  const total = request.totalTimeoutMilliseconds ?? 120_000;
  const timer = setTimeout(() => controller.abort(timeoutError('total')), total);
  const onAbort = (): void => controller.abort(outboundErrors.OUTBOUND_ABORTED({ cause: request.signal?.reason }));
  if (request.signal?.aborted) onAbort();
  else request.signal?.addEventListener('abort', onAbort, { once: true });
  return {
    signal: controller.signal,
    release() {
      clearTimeout(timer);
      request.signal?.removeEventListener('abort', onAbort);
    },
  };
}

/** createOutboundClient makes the client. Environment proxies are not consulted: they would see every request first. */
export function createOutboundClient(options: OutboundClientOptions): OutboundClient {
  const books: Readonly<Record<Purpose, AddressBook>> = {
    model: createAddressBook(options.config.modelPrivateNetworks),
    web: createAddressBook(options.config.outboundPrivateNetworks),
  };
  // One agent per purpose and connect timeout; there are as many timeouts as places in the code that state one.
  const agents = new Map<string, Agent>();

  function agentFor({
    connectTimeoutMilliseconds = defaultConnectTimeoutMilliseconds,
    purpose,
  }: OutboundRequest): Agent {
    const key = `${purpose} ${connectTimeoutMilliseconds}`;
    let agent = agents.get(key);
    if (!agent) {
      const resolve = options.resolve ?? systemResolver;
      const isAnyPortAllowed = purpose === 'model';
      agent = createGuardedAgent({ book: books[purpose], resolve, isAnyPortAllowed, connectTimeoutMilliseconds });
      agents.set(key, agent);
    }
    return agent;
  }

  async function follow(
    first: Hop,
    request: OutboundRequest,
    giveUp: ReturnType<typeof createGiveUp>,
  ): Promise<OutboundResponse> {
    const maxRedirects = request.maxRedirects ?? 0;
    let hop = first;
    for (let hops = 0; ; hops += 1) {
      let isLast = false;
      let isClosed = false;
      const onClose = (): void => {
        isClosed = true;
        if (isLast) giveUp.release();
      };
      const response = await exchange({ ...hop, agent: agentFor(request), request, giveUp: giveUp.signal, onClose });
      const { location } = response.headers;
      if (maxRedirects === 0 || !redirectStatuses.has(response.status) || location === undefined) {
        isLast = true;
        if (isClosed) giveUp.release();
        return response;
      }
      response.discard();
      if (hops >= maxRedirects) throw outboundErrors.OUTBOUND_TOO_MANY_REDIRECTS();
      if (!URL.canParse(location, hop.url.href))
        throw outboundErrors.OUTBOUND_BAD_RESPONSE({ internal: 'bad Location' });
      hop = nextHop(hop, response.status, checkUrl(new URL(location, hop.url), books[request.purpose]));
    }
  }

  return {
    async fetch(address, request) {
      const url = checkUrl(address, books[request.purpose]);
      const giveUp = createGiveUp(request);
      const encoding = request.purpose === 'web' ? 'gzip, br' : 'identity';
      const headers = { 'user-agent': 'Bulkhead', 'accept-encoding': encoding, ...lowerCaseHeaders(request.headers) };
      try {
        giveUp.signal.throwIfAborted();
        return await follow({ url, method: request.method ?? 'GET', headers, body: request.body }, request, giveUp);
      } catch (error) {
        giveUp.release();
        options.log.debug({ err: error, host: url.host, purpose: request.purpose }, 'an outbound request failed');
        throw error;
      }
    },
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
    },
  };
}
