/**
 * Who may do what with an organisation's own sign-on. Whoever chooses the provider can come in as anybody of its domains,
 * an owner too: so only owners do.
 */

export const signOnPermissions = {
  'sign-on.connection.read': 'See the organisation’s identity providers and their domains',
  'sign-on.connection.write': 'Connect, change and test identity providers, and claim domains for them',
} as const;

const everything = Object.keys(signOnPermissions) as (keyof typeof signOnPermissions)[];

export const signOnPolicy = {
  owner: everything,
  admin: ['sign-on.connection.read'],
  member: [],
  viewer: [],
} as const;
