/** The providers in SIGN_ON_OIDC are complete and cannot be taken for one another, or the start says which one is not. */

/** OidcProviderSetting is an OpenID Connect provider that the operator offers to everybody. */
export interface OidcProviderSetting {
  /** Part of addresses and of stored links; never to be changed. */
  readonly id: string;
  readonly title: string;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
}

/** Names with a meaning of their own. */
const reservedIds = new Set(['apple', 'google', 'github', 'credential']);
const idPattern = /^[a-z][a-z0-9-]{0,31}$/;
const maxProviders = 20;

const text = (value: unknown): value is string => typeof value === 'string' && value.trim() !== '';

/** isSafeIssuer allows https, and http on this machine, where nobody listens in. */
export function isSafeIssuer(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username, password, search, hash } = new URL(address);
  if (username || password || search || hash) return false;
  const isLocal = hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
  return protocol === 'https:' || (protocol === 'http:' && isLocal);
}

function readProvider(entry: unknown): OidcProviderSetting | string {
  if (typeof entry !== 'object' || entry === null) return 'expected a list of objects';
  const { id, title, issuer, clientId, clientSecret } = entry as Record<string, unknown>;
  if (!text(id) || !idPattern.test(id)) return 'each id has 1 to 32 small letters, digits and dashes';
  if (reservedIds.has(id)) return `the id ${id} is taken`;
  if (!text(title)) return `${id} needs a title`;
  if (!text(issuer) || !isSafeIssuer(issuer)) return `${id} needs an issuer that starts with https://`;
  if (!text(clientId)) return `${id} needs a clientId`;
  if (clientSecret !== undefined && !text(clientSecret)) return `the clientSecret of ${id} is not a text`;
  return Object.freeze({ id, title, issuer, clientId, clientSecret });
}

/** parseOidcProviders returns the list, or what was expected; never a word of the text itself, which holds secrets. */
export function parseOidcProviders(json: string): readonly OidcProviderSetting[] | string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return 'expected JSON: a list of providers';
  }
  if (!Array.isArray(value) || value.length > maxProviders)
    return `expected a list of at most ${maxProviders} providers`;
  const providers = value.map(readProvider);
  const problem = providers.find((provider) => typeof provider === 'string');
  if (problem !== undefined) return problem as string;
  const list = providers as OidcProviderSetting[];
  if (new Set(list.map(({ id }) => id)).size < list.length) return 'two providers have the same id';
  return Object.freeze(list);
}
