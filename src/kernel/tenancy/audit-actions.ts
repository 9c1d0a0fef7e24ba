/** What is done to organisations and who belongs to them. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const tenancyAuditActions: AuditActions = {
  'organisation.create': 'Organisation created',
  'organisation.update': 'Organisation changed',
  'organisation.switch': 'Entered the organisation',
  'organisation.leave': 'Left the organisation',
  'organisation.invitation.create': 'Invited',
  'organisation.invitation.resend': 'Invitation sent again',
  'organisation.invitation.revoke': 'Invitation withdrawn',
  'organisation.invitation.accept': 'Invitation accepted',
  'organisation.member.update': 'Role of a member changed',
  'organisation.member.remove': 'Member removed',
  'organisation.member.make-owner': 'Ownership handed over',
};
