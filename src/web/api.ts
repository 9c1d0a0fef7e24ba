/** The one way to the server: a typed call per contract operation, failures as ApiProblem, lost sessions regained. */
import type { Contract } from '#kernel/contract';
import { ApiProblem, isAborted, networkProblem, parseProblem, toProblem } from './api-problem.ts';
import type { Api, CallOptions } from './api-types.ts';
import { takeEarlyAnswer } from './boot/early-answer.ts';
import { noteAnswer } from './connection.ts';
import { countAnswers, createQuestion } from './question.ts';

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

let dialogsThere: Promise<void> = Promise.resolve();
let settleDialogs: () => void = () => undefined;
let hurryDialogs: () => void = () => undefined;

/** Without its dialogs after so long, a page goes on without asking. */
const dialogPatienceMilliseconds = 10_000;

/** expectDialogs says that the shell's dialogs will come: whoever must ask waits for them, and has `hurry` called. */
export function expectDialogs(hurry: () => void): void {
  hurryDialogs = hurry;
  dialogsThere = new Promise((resolve) => {
    settleDialogs = resolve;
  });
}

function whenDialogs(): Promise<void> {
  hurryDialogs();
  const patience = new Promise<void>((resolve) => setTimeout(resolve, dialogPatienceMilliseconds));
  return Promise.race([dialogsThere, patience]);
}

/** dialogsAreThere lets those ask who waited. */
export function dialogsAreThere(): void {
  settleDialogs();
}

/** sessionLost is asked when a call answers 401: the shell's dialog offers to sign in over the untouched page. */
export const sessionLost = createQuestion(whenDialogs);

/** proofNeeded is asked when a sensitive call needs a recent password or passkey. */
export const proofNeeded = createQuestion(whenDialogs);

/** organisationChanged is asked when the session works in another organisation than this page; yes is the way back. */
export const organisationChanged = createQuestion(whenDialogs);

/** Place is whose page this is, and where it works, by id. */
export interface Place {
  readonly organisationId: string;
  readonly personId: string;
}

let believed: Place | null = null;

/** workIn says whose page this is and where it works; null on pages for people who are not signed in. */
export function workIn(place: Place | null): void {
  believed = place;
}

/** believedOrganisation is the organisation this page works in. */
export function believedOrganisation(): string | null {
  return believed?.organisationId ?? null;
}

/** believedPerson is whose page this is. */
export function believedPerson(): string | null {
  return believed?.personId ?? null;
}

/** placeHeaders let the server refuse a call that was meant for another person or organisation. */
export function placeHeaders(): Record<string, string> {
  return believed === null ? {} : { 'x-organisation': believed.organisationId, 'x-person': believed.personId };
}

/** Where one works may be asked and changed from wherever one believes to be. */
const anywhere = /^\w+ \/(?:setup|auth\/|organisations|invitation\/)/;

function headersFor(key: string): Record<string, string> {
  if (key === 'GET /session' || believed === null) return {}; // it tells who one is
  return anywhere.test(key) ? { 'x-person': believed.personId } : placeHeaders();
}

/**
 * regainSession resolves to true when the person has signed in again. Who would rather not is not asked anew by what a
 * page reads by itself, only by what they do: until then, typing must not end up in a dialog.
 */
export function regainSession(sentAt: number, { isRead }: { readonly isRead: boolean }): Promise<boolean> {
  return isRead && sessionLost.isDeclined() ? Promise.resolve(false) : sessionLost.ask(sentAt);
}

/** newIdempotencyKey is random; `crypto.randomUUID` is missing on plain-HTTP addresses other than localhost. */
export function newIdempotencyKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** createApi types calls by a contract given as a type only, so no schema reaches the browser. */
export function createApi<C extends Contract>(): Api<C> {
  return ((key: string, input: RawInput = {}) => call(key, input)) as Api<C>;
}

/** A call may need the person for more than one thing: who signs in again may do so in another organisation. */
const attemptsAtMost = 3;

async function call(key: string, input: RawInput): Promise<unknown> {
  const idempotencyKey = input.idempotencyKey ?? newIdempotencyKey(); // sent again, it is never done twice
  for (let attempt = 1; ; attempt += 1) {
    const sentAt = countAnswers();
    try {
      const answer = await send(key, { ...input, idempotencyKey });
      return answer.status === 204 || answer.text === '' ? undefined : JSON.parse(answer.text);
    } catch (error) {
      if (attempt === attemptsAtMost || !(await mayTryAgain(error, key, sentAt))) throw error;
    }
  }
}

/** mayTryAgain lets the person mend what can be mended: sign in again, show who they are, return to this organisation. */
async function mayTryAgain(error: unknown, key: string, sentAt: number): Promise<boolean> {
  if (isSessionLost(error, key)) return regainSession(sentAt, { isRead: key.startsWith('GET ') });
  if (isProofNeeded(error)) return proofNeeded.ask(sentAt);
  return isOrganisationChanged(error) && organisationChanged.ask(sentAt);
}

/** isOrganisationChanged tells the refusal of a call that was meant for another organisation. */
export function isOrganisationChanged(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'ORGANISATION_CHANGED';
}

/** A wrong password answers 401 too; GET /session is how the shell learns that nobody is signed in. */
function isSessionLost(error: unknown, key: string): boolean {
  const isAboutSigningIn = key.includes(' /auth/') || key === 'GET /session';
  return (
    isPersonChanged(error) || (error instanceof ApiProblem && error.code === 'UNAUTHENTICATED' && !isAboutSigningIn)
  );
}

/** isPersonChanged tells that somebody else signed in in this browser: the session of whose page this is has ended. */
export function isPersonChanged(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'PERSON_CHANGED';
}

function isProofNeeded(error: unknown): boolean {
  return error instanceof ApiProblem && error.code === 'STEP_UP_REQUIRED';
}

function send(key: string, input: RawInput): Promise<Answer> {
  const [method = 'GET', template = '/'] = key.split(' ');
  const url = apiRoot + buildPath(template, input.params ?? {}, input.query ?? {});
  const headers = headersFor(key);
  return input.file ? sendFile(method, url, input.file, input, headers) : sendJson(method, url, input, headers);
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

async function sendJson(method: string, url: string, input: RawInput, more: Record<string, string>): Promise<Answer> {
  const headers: Record<string, string> = { accept: 'application/json', ...more };
  if (method === 'POST' && input.idempotencyKey) headers['idempotency-key'] = input.idempotencyKey;
  if (input.body !== undefined) headers['content-type'] = 'application/json';
  const body = input.body === undefined ? null : JSON.stringify(input.body);
  const timeout = AbortSignal.timeout(answerTimeoutMilliseconds);
  const signal = input.signal ? AbortSignal.any([input.signal, timeout]) : timeout;
  try {
    const early = takeEarlyAnswer(method, url);
    const response = await (early ?? fetch(url, { method, headers, body, signal, credentials: 'same-origin' }));
    if (!response.ok) throw await toProblem(response);
    const answer = { status: response.status, text: await response.text() };
    noteAnswer(null);
    return answer;
  } catch (error) {
    if (isAborted(error) && input.signal?.aborted) throw error;
    const problem = error instanceof ApiProblem ? error : networkProblem(error);
    noteAnswer(problem);
    throw problem;
  }
}

/** sendFile uses XMLHttpRequest because fetch cannot tell how much of a body has left. */
function sendFile(
  method: string,
  url: string,
  file: File,
  options: CallOptions,
  headers: Record<string, string>,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(method, url);
    request.setRequestHeader('accept', 'application/json');
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
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
