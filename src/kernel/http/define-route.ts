/** defineRoute ties a handler to one operation of a contract; it does not compile without access and limit. */
import type { Contract, Operation } from '#kernel/contract';
import type { Access, Route, RouteOptions } from './types.ts';

/** defineRoute makes a route of `contract[key]`. The handler's input and answer are typed from the contract. */
export function defineRoute<C extends Contract, K extends keyof C & Route['key'], const A extends Access>(
  contract: C,
  key: K,
  options: RouteOptions<C[K] & Operation, A>,
): Route {
  const operation = contract[key];
  if (operation?.form && options.access !== 'public')
    throw new Error(`${key} takes forms of other sites, so it is public`);
  if (!operation) throw new Error(`the contract has no operation ${key}`);
  if (options.showsSecretOnce && options.idempotent) {
    throw new Error(`${options.id} shows a secret once, so its answer must not be kept for repetitions`);
  }
  return { ...options, key, operation, handler: options.handler as Route['handler'] };
}
