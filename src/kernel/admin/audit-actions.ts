/** What the operator does to the server, and what becomes of looking into an organisation. Labels as the audit page shows them. */
import type { AuditActions } from '#kernel/audit';

export const adminAuditActions: AuditActions = {
  'admin.invitations.create': 'Invited to the server',
  'admin.invitations.resend': 'Invitation to the server sent again',
  'admin.invitations.revoke': 'Invitation to the server withdrawn',
  'admin.jobs.cancel': 'Background job stopped',
  'admin.jobs.retry': 'Background job tried again',
  'admin.people.disable': 'Account switched off',
  'admin.people.enable': 'Account switched on',
  'admin.people.end-sessions': 'Person signed out everywhere',
  'admin.people.reset-password': 'Link for a new password sent',
  'admin.people.set-operator': 'Operator appointed or dismissed',
  'support.access.ask': 'Support access asked for',
  'support.access.consent': 'Support access allowed',
  'support.access.refuse': 'Support access refused',
  'support.access.revoke': 'Support access taken back',
  'support.access.withdraw': 'Question for support access withdrawn',
  'support.access.end': 'Support access ended',
  'support.visit.begin': 'Support visit begun',
  'support.visit.read': 'Looked at by support',
  'support.visit.end': 'Support visit ended',
};
