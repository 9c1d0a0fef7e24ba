/** The addresses of this server that providers are given; they never follow a Host header that a stranger made up. */
import type { RequestContext } from '#kernel/http';

const localHost = /^(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/;

/** publicOrigin is PUBLIC_URL's; without one, the address on this machine that the browser used. */
export function publicOrigin(ctx: Pick<RequestContext, 'services' | 'headers'>): string {
  const { config } = ctx.services;
  if (config.publicUrl !== undefined) return new URL(config.publicUrl).origin;
  const host = ctx.headers['host'] ?? '';
  return localHost.test(host) ? `http://${host}` : `http://localhost:${config.port}`;
}

/** SignOnAddresses are what a provider is told of us. Each has a redirect address of its own, so that none is mixed up. */
export function signOnAddresses(origin: string, providerId: string) {
  const api = `${origin}/api/v1/auth/sign-on`;
  return {
    redirectUri: providerId === 'apple' ? `${api}/apple` : `${origin}/sign-on/${providerId}`,
    backchannelLogoutUri: `${api}/${providerId}/backchannel-logout`,
    postLogoutRedirectUri: `${origin}/sign-in`,
    acsUrl: `${api}/saml`,
    metadataUrl: `${api}/saml-metadata?connection=${providerId}`,
    /** One per connection: an assertion for one is worth nothing at another. */
    entityId: `${origin}/sign-on/${providerId}`,
  };
}

/** readNextPath returns a path of this server, `/` for anything that could lead elsewhere. */
export function readNextPath(value: string | undefined): string {
  const base = 'http://here.invalid';
  if (value === undefined || !value.startsWith('/') || !URL.canParse(value, base)) return '/';
  const address = new URL(value, base);
  // A path that begins with two slashes, as `/.//evil.example` becomes one, would be an address of its own to a browser.
  const isHere = address.origin === base && !address.pathname.startsWith('//');
  return isHere ? address.pathname + address.search + address.hash : '/';
}
