/** React Query over the typed client: reads by operation, cursor lists flattened, writes with a steady idempotency key. */
import {
  infiniteQueryOptions,
  queryOptions,
  useInfiniteQuery,
  useMutation,
  type QueryKey,
  type UseMutationOptions,
} from '@tanstack/react-query';
import { useRef } from 'react';
import type { Contract } from '#kernel/contract';
import { ApiProblem } from './api-problem.ts';
import type { Api, CallInput, CallOptions, CallOutput, InputArgs, ItemOf, KeyOf } from './api-types.ts';
import { newIdempotencyKey } from './api.ts';

type LooseApi = (key: string, input: object) => Promise<unknown>;

/** keyOf is the cache key of an operation; without input it matches every input, for invalidating. */
export function keyOf(key: string, input?: object): QueryKey {
  return input === undefined ? [key] : [key, input];
}

/** queryOf makes the options of `useQuery` for a GET: `useQuery(queryOf(deskApi, 'GET /tickets/{id}', { params }))`. */
export function queryOf<C extends Contract, K extends KeyOf<C, 'GET'>>(
  api: Api<C>,
  key: K,
  ...[input]: InputArgs<CallInput<C[K]>>
) {
  return queryOptions<CallOutput<C[K]>, ApiProblem>({
    queryKey: keyOf(key, input),
    queryFn: ({ signal }) => (api as unknown as LooseApi)(key, { ...input, signal }) as Promise<CallOutput<C[K]>>,
  });
}

interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** pagesOf makes the options of an endless list: every page of a cursor-paged GET, following `nextCursor`. */
export function pagesOf<C extends Contract, K extends KeyOf<C, 'GET'>>(
  api: Api<C>,
  key: K,
  ...[input]: InputArgs<CallInput<C[K]>>
) {
  type Item = ItemOf<C[K]>;
  const given = (input ?? {}) as { query?: object };
  return infiniteQueryOptions({
    queryKey: [...keyOf(key, input), 'pages'],
    initialPageParam: undefined as string | undefined,
    queryFn: ({ signal, pageParam }) =>
      (api as unknown as LooseApi)(key, {
        ...given,
        query: { ...given.query, cursor: pageParam },
        signal,
      }) as Promise<Page<Item>>,
    getNextPageParam: (page: Page<Item>) => page.nextCursor ?? undefined,
  });
}

/** paramsOf is whose list a cache key stands for, as text. */
function paramsOf([, input]: QueryKey): string {
  return JSON.stringify((input as { readonly params?: unknown } | undefined)?.params ?? null);
}

/**
 * usePages reads an endless list: `items` of all pages so far beside what `useInfiniteQuery` gives. While another search
 * or filter of the same list is on its way, the rows before stay (`isPlaceholderData`), so that nothing flashes.
 */
export function usePages<C extends Contract, K extends KeyOf<C, 'GET'>>(
  api: Api<C>,
  key: K,
  ...args: InputArgs<CallInput<C[K]>>
) {
  const options = pagesOf(api, key, ...args);
  const query = useInfiniteQuery({
    ...options,
    placeholderData: (rows, before) =>
      before && paramsOf(before.queryKey) === paramsOf(options.queryKey) ? rows : undefined,
  });
  return { ...query, items: query.data?.pages.flatMap((page) => page.items) ?? [] };
}

/**
 * useCall is a mutation of one operation. Repeating the same input after a failure sends the same Idempotency-Key, so
 * pressing the button again after a lost answer does not do the thing twice.
 */
export function useCall<C extends Contract, K extends keyof C & string>(
  api: Api<C>,
  key: K,
  options: Omit<UseMutationOptions<CallOutput<C[K]>, ApiProblem, CallInput<C[K]> & CallOptions>, 'mutationFn'> = {},
) {
  const lost = useRef<{ readonly input: string; readonly idempotencyKey: string } | null>(null);
  return useMutation<CallOutput<C[K]>, ApiProblem, CallInput<C[K]> & CallOptions>({
    ...options,
    mutationFn: async (input) => {
      const text = fingerprint(input);
      const idempotencyKey = lost.current?.input === text ? lost.current.idempotencyKey : newIdempotencyKey();
      lost.current = null;
      try {
        return (await (api as unknown as LooseApi)(key, { idempotencyKey, ...input })) as CallOutput<C[K]>;
      } catch (error) {
        const mayHaveHappened = error instanceof ApiProblem && (error.status === 0 || error.status >= 500);
        if (mayHaveHappened) lost.current = { input: text, idempotencyKey };
        throw error;
      }
    },
  });
}

/** fingerprint tells whether two inputs are the same call. */
function fingerprint(input: CallOptions & { file?: File; params?: unknown; query?: unknown; body?: unknown }): string {
  const { file, params, query, body } = input;
  return JSON.stringify([params, query, body, file && [file.name, file.size, file.lastModified]]);
}
