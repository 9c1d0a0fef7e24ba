/** The door of tenancy: organisations, memberships and what roles may do. */
export { createPersonalOrganization, findHomeOrganization } from './personal-organization.ts';
export { permissionsOf } from './permissions.ts';
export type { PermissionSource } from './permissions.ts';
