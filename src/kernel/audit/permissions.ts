/** Who may look at the audit trail: owners and admins; everybody owns their personal organisation, and so sees their own. */

export const permissions = {
  'audit.record.read': 'See the audit trail and check that it is whole',
  'audit.record.export': 'Download the audit trail',
} as const;

const everything = Object.keys(permissions);

export const policy = { owner: everything, admin: everything, member: [], viewer: [] } as const;
