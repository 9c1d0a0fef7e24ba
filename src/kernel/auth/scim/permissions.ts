/** Who connects a directory, which makes and removes admins: only owners do that to single people as well. */

export const scimPermissions = {
  'auth.directory.manage': 'Connect the organisation’s directory (SCIM) and say which of its groups have which role',
} as const;

const everything = Object.keys(scimPermissions) as (keyof typeof scimPermissions)[];

export const scimPolicy = { owner: everything, admin: [], member: [], viewer: [] } as const;
