/** Sends one fuzzed request and reads the answer whole; a stream is opened, read for a moment and left. */
import { newId } from '#kernel/ids';
import type { TestClient } from '#testing/client';
import type { Operation } from './operations.ts';

/** Sender puts a request on the wire with what it has to show: cookies, a token, nothing. */
export type Sender = Pick<TestClient, 'sendRaw'>;

export interface FuzzAnswer {
  /** 0 when none came in time. */
  readonly status: number;
  readonly contentType: string;
  /** Of a stream: its first events. */
  readonly text: string;
  readonly isStream: boolean;
  readonly milliseconds: number;
}

export interface FuzzRequest {
  readonly method: string;
  /** Under /api/v1, with the query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON or form text, or multipart. */
  readonly body: string | FormData | null;
}

const patienceMilliseconds = 30_000;
/** A run that has ended replays its events at once; one that goes on is followed only so long. */
const streamMilliseconds = 150;

/** send never throws: no answer within 30 s is an answer with status 0. */
export async function send(sender: Sender, request: FuzzRequest): Promise<FuzzAnswer> {
  const { method, path, headers, body } = request;
  const signal = AbortSignal.timeout(patienceMilliseconds);
  const startedAt = performance.now();
  const elapsed = (): number => Math.round(performance.now() - startedAt);
  try {
    const response = await sender.sendRaw(`${method} ${path}`, headers, body, signal);
    const contentType = response.headers.get('content-type') ?? '';
    const isStream = contentType.startsWith('text/event-stream');
    const milliseconds = elapsed();
    const text = isStream ? await readStart(response) : await response.text();
    return { status: response.status, contentType, text, isStream, milliseconds };
  } catch (error) {
    return {
      status: 0,
      contentType: '',
      text: `no whole answer: ${String(error)} ${((error as Error).cause as Error | undefined)?.message ?? ''}`,
      isStream: false,
      milliseconds: elapsed(),
    };
  }
}

async function readStart({ body }: Response): Promise<string> {
  if (!body) return '';
  const reader = body.getReader();
  const timer = setTimeout(() => void reader.cancel().catch(() => undefined), streamMilliseconds);
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  clearTimeout(timer);
  return text;
}

/** programOf is a program that shows `token`, or nothing, and has none of a browser's headers. */
export function programOf(url: string, token?: string): Sender {
  const authorization: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  return {
    sendRaw(route, headers, body, signal) {
      const [method = 'GET', path = '/'] = route.split(' ');
      return fetch(`${url}/api/v1${path}`, {
        method,
        redirect: 'manual',
        headers: { ...authorization, ...headers },
        body,
        signal: signal ?? null,
      });
    },
  };
}

const onePixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
/** A ZIP archive with nothing in it: the record that ends its directory. */
const emptyArchive = Buffer.from(`504b0506${'00'.repeat(18)}`, 'hex');
const uploads: readonly (readonly [name: string, type: string, bytes: string | Buffer])[] = [
  ['fuzz.txt', 'text/plain', 'fuzz'],
  ['fuzz.png', 'image/png', onePixel],
  ['fuzz.zip', 'application/zip', emptyArchive],
  ['fuzz.pdf', 'application/pdf', '%PDF-1.7 and no more'],
  ['../../x.html', 'text/html', '<script>alert(1)</script>'],
  ['', '', ''],
];

/** A multipart body with one file; `turn` chooses which. */
function uploadOf(turn: number): FormData {
  const [name, type, bytes] = uploads[turn % uploads.length] ?? ['', '', ''];
  const form = new FormData();
  form.set('file', new Blob([bytes as string | Buffer<ArrayBuffer>], { type }), name);
  return form;
}

interface RequestParts {
  readonly path: string;
  readonly accept: string;
  /** Null sends no body. */
  readonly text: string | null;
  /** Where it is not the one that the operation takes. */
  readonly contentType?: string;
  /** Chooses the file, where the operation takes one. */
  readonly turn: number;
}

/** requestFor puts the parts together, with the headers and the upload that the operation asks for. */
export function requestFor(operation: Operation, { path, accept, text, contentType, turn }: RequestParts): FuzzRequest {
  const { method, isIdempotent, isUpload, bodyType } = operation;
  const headers: Record<string, string> = { accept };
  if (isIdempotent) headers['idempotency-key'] = newId();
  if (isUpload) return { method, path, headers, body: uploadOf(turn) };
  if (text !== null) headers['content-type'] = contentType ?? bodyType;
  return { method, path, headers, body: text };
}

/** encodeBody writes a body as its content type asks: JSON, or a form. */
export function encodeBody({ bodyType }: Pick<Operation, 'bodyType'>, body: unknown): string {
  const text = JSON.stringify(body) ?? 'undefined';
  if (!bodyType.includes('form-urlencoded')) return text;
  const fields = typeof body === 'object' && body !== null ? Object.entries(body) : [['junk', text]];
  return decodeMarks(new URLSearchParams(fields.map(([name, value]) => [name, textOf(value)])).toString());
}

/** textOf is how a value stands in a query or a form. */
export function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : (JSON.stringify(value) ?? '')).toWellFormed();
}

/** decodeMarks gives marks their letters back: they have `@`, which a URL escapes. */
export function decodeMarks(path: string): string {
  return path.replaceAll(/%40%40(\w+)%40%40/g, '@@$1@@');
}
