/** The routes of organisations, ready to be mounted under /api/v1. */
import type { Route } from '#kernel/http';
import { acceptInvitation, openInvitation } from './routes/accept-routes.ts';
import {
  createInvitationLink,
  inviteByMail,
  listOpenInvitations,
  resendInvitation,
  revokeInvitation,
} from './routes/invitation-routes.ts';
import { changeRole, listMembers, makeOwner, removeMember } from './routes/member-routes.ts';
import {
  createOrganisation,
  leaveOrganisation,
  listMyOrganisations,
  readOrganisation,
  renameOrganisation,
  switchOrganisation,
} from './routes/organisation-routes.ts';

export const tenancyRoutes: readonly Route[] = [
  listMyOrganisations,
  createOrganisation,
  switchOrganisation,
  readOrganisation,
  renameOrganisation,
  leaveOrganisation,
  listMembers,
  changeRole,
  removeMember,
  makeOwner,
  listOpenInvitations,
  inviteByMail,
  createInvitationLink,
  resendInvitation,
  revokeInvitation,
  openInvitation,
  acceptInvitation,
];
