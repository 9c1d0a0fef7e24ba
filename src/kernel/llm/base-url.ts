/** The address of an endpoint is kept in one form, so that the same endpoint is always the same address. */
import { kernelErrors } from '#kernel/errors';
import { llmErrors } from './errors.ts';
import type { ConnectionKind } from './types.ts';

const defaultBaseUrls: Readonly<Partial<Record<ConnectionKind, string>>> = {
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  mistral: 'https://api.mistral.ai/v1',
};

function refuse(detail: string): Error {
  return kernelErrors.INVALID_REQUEST({ detail, errors: [{ pointer: '/body/baseUrl', detail }] });
}

/** normalizeBaseUrl takes what people paste: trailing slashes and the operation's own path are cut off. */
export function normalizeBaseUrl(kind: ConnectionKind, given: string | undefined): string {
  const text = given ?? defaultBaseUrls[kind];
  if (text === undefined) throw llmErrors.MODEL_BASE_URL_REQUIRED();
  const url = new URL(text);
  if (url.username || url.password)
    throw refuse('The address must not hold a user name or password; enter the key as the key.');
  if (url.search || url.hash) throw refuse('The address must not have a query or fragment.');
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(chat\/completions|messages|models)$/, '');
  return `${url.origin}${path}`;
}

/** isSameHost tells whether a saved key may be sent there: keys are write-only, and must not be led elsewhere. */
export function isSameHost(one: string, other: string): boolean {
  return new URL(one).origin === new URL(other).origin;
}
