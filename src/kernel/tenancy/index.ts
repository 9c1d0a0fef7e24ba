/** The door of tenancy: organisations, memberships, invitations and what roles may do. */
export { tenancyAuditActions } from './audit-actions.ts';
export { auditIn } from './routes/audit-in.ts';
export { tenancyErrors } from './errors.ts';
export {
  deleteInvitation,
  enterByInvitation,
  findInvitation,
  findOffer,
  insertInvitation,
  isInvited,
  joinByInvitation,
  listInvitations,
  newInvitationToken,
  renewInvitation,
  toServerInvitation,
  useServerInvitations,
} from './invitations.ts';
export type { InvitationRow } from './invitations.ts';
export { invitationUrl } from './routes/invitation-mail.ts';
export { takeInvitationMail } from './routes/take-invitation-mail.ts';
export { dropProviderLinks } from './membership.ts';
export { moveSession } from './organization-rows.ts';
export { organisationPermissions, organisationPolicy } from './organisation-permissions.ts';
export { permissionsOf } from './permissions.ts';
export type { PermissionSource } from './permissions.ts';
export { createPersonalOrganization, findHomeOrganization } from './personal-organization.ts';
export { pictureUrlOf } from './picture-url.ts';
export { tellInviter, tellOperator } from './tell-members.ts';
export { tenancyRoutes } from './routes.ts';
export { sweepInvitations } from './sweep-invitations.ts';
