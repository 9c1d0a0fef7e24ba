/** Who may do what with an organisation itself: owners everything, admins people and settings, all others see who is there. */

export const organisationPermissions = {
  'organisation.member.read': 'See who belongs to the organisation, and in which role',
  'organisation.member.write': 'Change the roles of people and remove them; owners and admins only by owners',
  'organisation.invitation.read': 'See open invitations',
  'organisation.invitation.write': 'Invite people by mail or link, and revoke invitations',
  'organisation.settings.write': 'Rename the organisation',
  'organisation.ownership.write': 'Make another member an owner, beside oneself or instead',
} as const;

export type OrganisationPermission = keyof typeof organisationPermissions;

const everything = Object.keys(organisationPermissions) as OrganisationPermission[];
const reading = ['organisation.member.read'] as const;

export const organisationPolicy = {
  owner: everything,
  admin: everything.filter((permission) => permission !== 'organisation.ownership.write'),
  member: reading,
  viewer: reading,
} as const;
