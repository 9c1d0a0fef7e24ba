/** The door of identity. */
export type { Principal, Role } from './principal.ts';
export type { Identity } from './types.ts';
