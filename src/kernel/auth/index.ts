/** The door of identity. */
export { createIdentity } from './create-identity.ts';
export type { IdentityOptions, KnownApp } from './create-identity.ts';
export type { Principal, Role } from './principal.ts';
export { routes } from './routes.ts';
export { sessionCookieName } from './session-cookie.ts';
export { sweepSessions } from './session-store.ts';
export { createSetupLink } from './setup-link.ts';
export type { Identity } from './types.ts';
