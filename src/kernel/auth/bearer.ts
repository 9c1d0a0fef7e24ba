/** Callers without a browser bring a bearer token; its prefix says which kind it is. */
import type { Database } from '#kernel/db';
import type { Principal } from './principal.ts';
import type { SessionCache } from './session-cache.ts';
import type { Credentials } from './types.ts';

/** BearerResolver knows one kind of token, by its prefix. */
export interface BearerResolver {
  readonly prefix: string;
  resolve(token: string, credentials: Credentials): Promise<Principal | null>;
}

/** BearerParts is what resolvers share with the rest of identity: its database, memory, clock and background work. */
export interface BearerParts {
  readonly db: Database;
  readonly cache: SessionCache;
  readonly now: () => number;
  readonly later: (what: string, work: () => Promise<unknown>) => void;
}

/** The longest token that is looked at. */
const maxTokenLength = 4_096;

/** bearerToken returns the token of `Authorization: Bearer <token>`, or null. */
export function bearerToken(authorization: string): string | null {
  const match = /^Bearer +([\w.~+/=-]+)$/i.exec(authorization.trim());
  const token = match?.[1];
  return token !== undefined && token.length <= maxTokenLength ? token : null;
}

/** resolveBearer asks the resolver whose prefix the token has; null for a token nobody knows. */
export async function resolveBearer(
  resolvers: readonly BearerResolver[],
  authorization: string,
  credentials: Credentials,
): Promise<Principal | null> {
  const token = bearerToken(authorization);
  if (token === null) return null;
  const resolver = resolvers.find(({ prefix }) => token.startsWith(prefix));
  return resolver ? resolver.resolve(token, credentials) : null;
}
