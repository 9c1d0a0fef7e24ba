/** A scripted model endpoint: real HTTP, the real OpenAI wire format, and behaviour chosen by the model's name. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { parseArgs } from 'node:util';
import { encodeStream, encodeWhole } from './model-server/openai-wire.ts';
import { defaultScript, scriptedModels } from './model-server/scripts.ts';
import type { RecordedRequest, Reply, Script } from './model-server/scripts.ts';
import { createWheel, type Wheel } from './model-server/wheel.ts';

export { lastUserText, splitWords } from './model-server/scripts.ts';
export type { Delta, RecordedRequest, Reply, Script } from './model-server/scripts.ts';

export interface ModelServerOptions {
  readonly port?: number;
  /** When given, calls without `Authorization: Bearer <apiKey>` get 401 as the real provider's. */
  readonly apiKey?: string;
  /** Which program to look like for discovery; `openai` by default. */
  readonly flavour?: 'openai' | 'ollama' | 'llama.cpp';
}

/** ModelServer is a running scripted endpoint. `url` has no path; OpenAI clients use `${url}/v1`. */
export interface ModelServer extends AsyncDisposable {
  readonly url: string;
  /** The newest 1,000 calls, oldest first. */
  readonly requests: readonly RecordedRequest[];
  /** How many streams are open now; 0 proves that an abort reached the provider. */
  readonly openStreams: number;
  /** Replaces the behaviour of every model; null brings back the behaviour by name. */
  setScript(script: Script | null): void;
  close(): Promise<void>;
}

type Answer = Extract<Reply, { kind: 'answer' }>;
const keptRequests = 1_000;

function sendJson(
  res: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body);
  res.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text), ...headers });
  res.end(text);
}

function sendError(res: ServerResponse, error: Omit<Extract<Reply, { kind: 'error' }>, 'kind'>): void {
  const body = { error: { message: error.message, type: 'scripted_error', param: null, code: error.code ?? null } };
  sendJson(res, error.status, body, error.headers);
}

async function readJson(req: IncomingMessage): Promise<Record<string, unknown> | null> {
  const pieces: Buffer[] = [];
  for await (const piece of req) pieces.push(piece as Buffer);
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, unknown>;
  } catch {
    return null; // answered with 400, as providers do
  }
}

/** openStream sends the headers; afterwards ready-made chunks may go straight to the socket. */
function openStream(res: ServerResponse): void {
  res.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' });
  res.flushHeaders();
}

function streamAnswer(res: ServerResponse, wheel: Wheel, model: string, answer: Answer, isUsageWanted: boolean): void {
  const { head, deltas, tail } = encodeStream(model, answer, isUsageWanted);
  const { firstMs = 0, gapMs = 0, holdLast, end = 'done' } = answer;
  openStream(res);
  const { socket } = res;
  const startedAt = performance.now();
  function finish(): void {
    if (tail.length > 0) socket?.write(tail);
    if (end === 'die') socket?.resetAndDestroy();
    else if (end !== 'stall') res.end();
  }
  if (gapMs === 0 && firstMs === 0) {
    socket?.write(Buffer.concat([head, ...deltas]));
    finish();
    return;
  }
  socket?.write(head);
  let sent = 0;
  let isHeld = holdLast !== undefined;
  function sendNext(): void {
    if (res.destroyed || !socket) return;
    const next = deltas[sent];
    if (next === undefined) {
      finish();
      return;
    }
    if (isHeld && sent === deltas.length - 1) {
      isHeld = false;
      void holdLast?.then(sendNext);
      return;
    }
    sent += 1;
    socket.write(next);
    if (sent === deltas.length && end !== 'die') {
      finish();
      return;
    }
    wheel.schedule(startedAt + firstMs + sent * gapMs, sendNext);
  }
  if (firstMs === 0) sendNext();
  else wheel.schedule(startedAt + firstMs, sendNext);
}

function sendRaw(res: ServerResponse, wheel: Wheel, { chunks, end, gapMs = 0 }: Extract<Reply, { kind: 'raw' }>): void {
  if (chunks.length === 0 && end === 'die') {
    res.socket?.resetAndDestroy();
    return;
  }
  openStream(res);
  const startedAt = performance.now();
  function sendFrom(index: number): void {
    if (res.destroyed) return;
    const piece = chunks[index];
    if (piece === undefined) {
      if (end === 'die') setImmediate(() => res.socket?.resetAndDestroy());
      else if (end !== 'stall') res.end();
      return;
    }
    res.write(piece);
    if (gapMs === 0) sendFrom(index + 1);
    else wheel.schedule(startedAt + (index + 1) * gapMs, () => sendFrom(index + 1));
  }
  sendFrom(0);
}

function sendReply(res: ServerResponse, wheel: Wheel, request: RecordedRequest, reply: Reply): void {
  if (reply.kind === 'never') return;
  if (reply.kind === 'error') sendError(res, reply);
  else if (reply.kind === 'raw') sendRaw(res, wheel, reply);
  else if (request.body['stream'] === true) {
    const options = request.body['stream_options'] as { include_usage?: boolean } | undefined;
    streamAnswer(res, wheel, request.model, reply, options?.include_usage === true);
  } else sendJson(res, 200, encodeWhole(request.model, reply));
}

function sendModels(res: ServerResponse, path: string, flavour: ModelServerOptions['flavour']): boolean {
  if (path === '/v1/models') {
    const ownedBy = flavour === 'llama.cpp' ? 'llamacpp' : 'scripted';
    sendJson(res, 200, {
      object: 'list',
      data: scriptedModels.map((id) => ({ id, object: 'model', created: 0, owned_by: ownedBy })),
    });
    return true;
  }
  if (path === '/api/tags' && flavour !== 'llama.cpp') {
    sendJson(res, 200, {
      models: scriptedModels.map((name) => ({ name: `${name}:latest`, model: `${name}:latest`, size: 1 })),
    });
    return true;
  }
  return false;
}

/** startModelServer listens on 127.0.0.1 (port 0 by default) and resolves once it answers. */
export async function startModelServer(options: ModelServerOptions = {}): Promise<ModelServer> {
  const wheel = createWheel();
  const requests: RecordedRequest[] = [];
  const callsByModel = new Map<string, number>();
  const open = new Set<ServerResponse>();
  let script: Script = defaultScript;

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const path = (req.url ?? '/').split('?')[0] ?? '/';
    if (options.apiKey !== undefined && req.headers.authorization !== `Bearer ${options.apiKey}`) {
      sendError(res, {
        status: 401,
        message: `Incorrect API key provided: ${req.headers.authorization ?? ''}.`,
        code: 'invalid_api_key',
      });
      return;
    }
    if (req.method === 'GET' && sendModels(res, path, options.flavour)) return;
    if (req.method !== 'POST' || path !== '/v1/chat/completions') {
      sendError(res, { status: 404, message: `Unknown request URL: ${req.method} ${path}.` });
      return;
    }
    const body = await readJson(req);
    if (!body || typeof body['model'] !== 'string' || !Array.isArray(body['messages'])) {
      sendError(res, { status: 400, message: 'We could not parse the JSON body of your request.' });
      return;
    }
    const model = body['model'];
    const earlierCalls = callsByModel.get(model) ?? 0;
    callsByModel.set(model, earlierCalls + 1);
    const messages = body['messages'] as RecordedRequest['messages'];
    const request = {
      method: 'POST',
      path,
      headers: req.headers as RecordedRequest['headers'],
      model,
      messages,
      body,
      earlierCalls,
    };
    requests.push(request);
    if (requests.length > keptRequests) requests.shift();
    sendReply(res, wheel, request, script(request));
  }

  const server = createServer({ keepAliveTimeout: 60_000 }, (req, res) => {
    open.add(res);
    res.on('close', () => open.delete(res));
    res.on('error', () => undefined); // a client that goes away is part of the script
    answer(req, res).catch(() => res.destroy());
  });
  server.listen({ port: options.port ?? 0, host: '127.0.0.1', backlog: 4_096 });
  await once(server, 'listening');

  async function close(): Promise<void> {
    wheel.close();
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get openStreams() {
      return open.size;
    },
    setScript: (next) => void (script = next ?? defaultScript),
    close,
    [Symbol.asyncDispose]: close,
  };
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, key: { type: 'string' } } });
  const server = await startModelServer({ port: Number(values.port), apiKey: values.key });
  process.stdout.write(`${server.url}\n`);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => void server.close().then(() => process.exit(0)));
  }
}
