/** A directory reads errors in the form of RFC 7644, 3.12; what our problems say besides would be lost on it. */
import type { Problem } from '#kernel/errors';
import { scimTypes } from './errors.ts';

/** renderScimError puts the places of a refused body into the sentence, because the form has no room for them. */
export function renderScimError(problem: Problem): object {
  const scimType = scimTypes[problem.code];
  const places = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer}: ${detail}`);
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'],
    status: String(problem.status),
    ...(scimType ? { scimType } : {}),
    detail: [problem.detail, ...places, `(${problem.code}, ${problem.requestId})`].join(' '),
  };
}
