/** The one way to the server: a typed call per contract operation, failures as ApiProblem, lost sessions regained. */
import type { Contract } from '#kernel/contract';
import { ApiProblem, isAborted, networkProblem, parseProblem, toProblem } from './api-problem.ts';
import type { Api, CallOptions } from './api-types.ts';

export { ApiProblem, asProblem, isAborted } from './api-problem.ts';
export type { Api, CallInput, CallOptions, CallOutput, InputArgs, ItemOf, KeyOf } from './api-types.ts';

export const apiRoot = '/api/v1';

type QueryValues = Readonly<Record<string, string | number | boolean | undefined>>;

interface RawInput extends CallOptions {
  readonly params?: Record<string, unknown>;
  readonly query?: QueryValues;
  readonly body?: unknown;
  readonly file?: File;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** askToSignIn resolves to true when the person has signed in again, false when they would rather not. */
type AskToSignIn = () => Promise<boolean>;
let askToSignIn: AskToSignIn = () => Promise.resolve(false);
let asking: Promise<boolean> | null = null;

/** onSessionLost sets who is asked when a call answers 401: the shell, which shows a dialog over the untouched page. */
export function onSessionLost(ask: AskToSignIn): void {
  askToSignIn = ask;
}

/** regainSession asks once however many calls fail at the same time. */
export function regainSession(): Promise<boolean> {
  asking ??= askToSignIn().finally(() => {
    asking = null;
  });
  return asking;
}

/** newIdempotencyKey is random; `crypto.randomUUID` is missing on plain-HTTP addresses other than localhost. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** createApi types calls by a contract given as a type only, so no schema reaches the browser. */
export function createApi<C extends Contract>(): Api<C> {
  return ((key: string, input: RawInput = {}) => call(key, input)) as Api<C>;
}

async function call(key: string, input: RawInput): Promise<unknown> {
  const idempotencyKey = input.idempotencyKey ?? newIdempotencyKey();
  const attempt = () => send(key, { ...input, idempotencyKey });
  let answer: Answer;
  try {
    answer = await attempt();
  } catch (error) {
    if (!isSessionLost(error, key) || !(await regainSession())) throw error;
    answer = await attempt(); // same idempotency key: never done twice
  }
  return answer.status === 204 || answer.text === '' ? undefined : JSON.parse(answer.text);
}

/** A wrong password answers 401 too; GET /session is how the shell learns that nobody is signed in. */
function isSessionLost(error: unknown, key: string): boolean {
  const isAboutSigningIn = key.includes(' /auth/') || key === 'GET /session';
  return error instanceof ApiProblem && error.code === 'UNAUTHENTICATED' && !isAboutSigningIn;
}

function send(key: string, input: RawInput): Promise<Answer> {
  const [method = 'GET', template = '/'] = key.split(' ');
  const url = apiRoot + buildPath(template, input.params ?? {}, input.query ?? {});
  return input.file ? sendFile(method, url, input.file, input) : sendJson(method, url, input);
}

/** buildPath fills `{param}` places and appends the query, leaving out what is undefined. */
export function buildPath(template: string, params: Record<string, unknown>, query: QueryValues): string {
  const path = template.replaceAll(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  const text = search.toString();
  return text ? `${path}?${text}` : path;
}

const answerTimeoutMilliseconds = 60_000;

async function sendJson(method: string, url: string, input: RawInput): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (method === 'POST' && input.idempotencyKey) headers['idempotency-key'] = input.idempotencyKey;
  if (input.body !== undefined) headers['content-type'] = 'application/json';
  const body = input.body === undefined ? null : JSON.stringify(input.body);
  const timeout = AbortSignal.timeout(answerTimeoutMilliseconds);
  const signal = input.signal ? AbortSignal.any([input.signal, timeout]) : timeout;
  try {
    const response = await fetch(url, { method, headers, body, signal, credentials: 'same-origin' });
    if (!response.ok) throw await toProblem(response);
    return { status: response.status, text: await response.text() };
  } catch (error) {
    throw error instanceof ApiProblem || (isAborted(error) && input.signal?.aborted) ? error : networkProblem(error);
  }
}

/** sendFile uses XMLHttpRequest because fetch cannot tell how much of a body has left. */
function sendFile(method: string, url: string, file: File, options: CallOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, url);
    request.setRequestHeader('accept', 'application/json');
    if (options.idempotencyKey) request.setRequestHeader('idempotency-key', options.idempotencyKey);
    request.upload.addEventListener('progress', (event) => {
      if (event.lengthComputable && event.total > 0) options.onProgress?.(event.loaded / event.total);
    });
    request.addEventListener('load', () => {
      const isOk = request.status >= 200 && request.status < 300;
      if (isOk) resolve({ status: request.status, text: request.responseText });
      else reject(parseProblem(request.status, request.responseText, request.getResponseHeader('retry-after')));
    });
    request.addEventListener('error', () => reject(networkProblem(new Error('the upload broke off'))));
    request.addEventListener('abort', () => reject(new DOMException('The upload was cancelled.', 'AbortError')));
    request.addEventListener('loadend', () => options.signal?.removeEventListener('abort', abort));
    if (options.signal?.aborted) return reject(new DOMException('The upload was cancelled.', 'AbortError'));
    options.signal?.addEventListener('abort', abort);
    const form = new FormData();
    form.set('file', file, file.name);
    request.send(form);
  });
}
