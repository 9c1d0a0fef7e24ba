/** Input is judged by its schema, strictly, and a refusal lists every problem with a JSON pointer (K5.1). */
import type { z } from 'zod';
import { kernelErrors, type ProblemIssue } from '#kernel/errors';
import type { Operation } from '#kernel/contract';
import { toPointer } from './json-pointer.ts';
import { findUnstorableText } from './unstorable-text.ts';

export interface RawInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

export interface ValidInput {
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

const maxIssues = 50;

/** validateInput returns the parsed input. Throws INVALID_REQUEST with the problems of params, query and body together. */
export function validateInput(operation: Operation, raw: RawInput): ValidInput {
  // Before the schemas, whose transformations and patterns must not be what finds it, or misses it.
  const issues = findUnstorableText(raw, maxIssues);
  if (issues.length > 0) throw kernelErrors.INVALID_REQUEST({ errors: issues });
  const params = readPart(operation.params, raw.params, 'params', issues);
  const query = readPart(operation.query, raw.query, 'query', issues);
  const sent = operation.form ? namedFields(operation.body, raw.body) : raw.body;
  const body = operation.upload ? undefined : readPart(operation.body, sent, 'body', issues);
  if (issues.length > 0) throw kernelErrors.INVALID_REQUEST({ errors: issues.slice(0, maxIssues) });
  return { params, query, body };
}

/** invalidBody is the refusal of a body as a whole. */
export function invalidBody(detail: string): Error {
  return kernelErrors.INVALID_REQUEST({ detail, errors: [{ pointer: '/body', detail }] });
}

/** namedFields keeps what the schema names: what else a foreign form holds is that site's business. */
function namedFields(schema: z.ZodType | undefined, body: unknown): unknown {
  if (typeof body !== 'object' || body === null || !schema || !('shape' in schema)) return body;
  const names = schema.shape as object;
  return Object.fromEntries(Object.entries(body).filter(([name]) => Object.hasOwn(names, name)));
}

function readPart(schema: z.ZodType | undefined, value: unknown, part: string, issues: ProblemIssue[]): unknown {
  if (!schema) {
    issues.push(...unexpected(value, part));
    return part === 'body' ? undefined : {};
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues.slice(0, maxIssues)) issues.push(...describeIssue(issue, part));
  return undefined;
}

/** unexpected lists what was sent in a part that the operation does not have. */
function unexpected(value: unknown, part: string): ProblemIssue[] {
  if (value === undefined || value === null) return [];
  if (part === 'body') return [{ pointer: '/body', detail: 'This operation takes no body.' }];
  return Object.keys(value)
    .slice(0, maxIssues)
    .map((key) => ({ pointer: toPointer([part, key]), detail: 'Unknown field.' }));
}

function describeIssue(issue: z.core.$ZodIssue, part: string): ProblemIssue[] {
  const path = [part, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys
      .slice(0, maxIssues)
      .map((key) => ({ pointer: toPointer([...path, key]), detail: 'Unknown field.' }));
  }
  return [{ pointer: toPointer(path), detail: issue.message }];
}
