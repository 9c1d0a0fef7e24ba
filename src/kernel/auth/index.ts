/** The door of identity. */
export { authAuditActions } from './audit-actions.ts';
export { authPermissions, authPolicy } from './permissions.ts';
export { describeDevice } from './describe-device.ts';
export { createIdentity } from './create-identity.ts';
export type { IdentityOptions, KnownApp } from './create-identity.ts';
export type { AbsentCaller, Standing } from './find-standing.ts';
export { endAccess, sendPasswordReset } from './end-access.ts';
export type { Principal, Role, Via } from './principal.ts';
export { routes } from './routes.ts';
export { authSealedColumns } from './sealed-columns.ts';
export { sessionCookieName } from './session-cookie.ts';
export { sweepMailProofs } from './mail-proofs/proof-store.ts';
export { sweepSecondSteps } from './second-factors/sweep-second-steps.ts';
export { sweepSessions } from './session-store.ts';
export { createSetupLink } from './setup-link.ts';
export type { Credentials, Identity, SessionSubject } from './types.ts';
