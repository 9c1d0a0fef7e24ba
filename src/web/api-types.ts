/** The types of the API client: what a call takes and gives, inferred from an app's contract, none of it shipped. */
import type { z } from 'zod';
import type { Contract } from '#kernel/contract';

/** Adds nothing to an intersection, and is assignable to whatever requires nothing. */
type Empty = object;
type Part<Op, Name extends string> = Op extends { readonly [N in Name]: infer S extends z.ZodType }
  ? z.input<S>
  : never;
type Need<Name extends string, T> = [T] extends [never]
  ? Empty
  : Empty extends T
    ? { readonly [N in Name]?: T }
    : { readonly [N in Name]: T };

/** CallOptions go with any call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Sent with POST; made up when absent. Give the same one again to repeat a call whose answer was lost. */
  readonly idempotencyKey?: string;
  /** Uploads only: 0 to 1 while the file leaves, 1 while the server reads it. */
  readonly onProgress?: (fraction: number) => void;
}

/** CallInput is `{ params, query, body, file }`: only what the operation declares, and only required if it is. */
export type CallInput<Op> = Need<'params', Part<Op, 'params'>> &
  Need<'query', Part<Op, 'query'>> &
  // A body without fields is still `{}`.
  ([Part<Op, 'body'>] extends [never] ? Empty : { readonly body: Part<Op, 'body'> }) &
  (Op extends { readonly upload: true } ? { readonly file: File } : Empty);

/** CallOutput is the JSON answer, or undefined for answers without content. */
export type CallOutput<Op> = Op extends { readonly response: infer S extends z.ZodType } ? z.output<S> : undefined;

/** InputArgs makes the input optional when nothing in it is required. */
export type InputArgs<Input> = Empty extends Input ? [input?: Input] : [input: Input];

/** Api is a contract as a function: `await agentsApi('GET /agents/{agentId}', { params: { agentId } })`. */
export type Api<C extends Contract> = <K extends keyof C & string>(
  key: K,
  ...[input]: InputArgs<CallInput<C[K]> & CallOptions>
) => Promise<CallOutput<C[K]>>;

/** KeyOf lists the operations of a contract with that method. */
export type KeyOf<C extends Contract, M extends string> = keyof C & `${M} /${string}`;

/** ItemOf is what a paged list lists. */
export type ItemOf<Op> = CallOutput<Op> extends { items: readonly (infer T)[] } ? T : never;
