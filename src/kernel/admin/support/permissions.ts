/** Who in an organisation answers those who run the server: its owners, because everything in it is at stake. */

export const supportPermissions = {
  'support.access.read': 'See who asked to look into the organisation, and what became of it',
  'support.access.answer': 'Let who runs the server look into the organisation for some hours, refuse, or end it',
} as const;

export type SupportPermission = keyof typeof supportPermissions;

export const supportPolicy = {
  owner: ['support.access.read', 'support.access.answer'],
  admin: ['support.access.read'],
  member: [],
  viewer: [],
} as const satisfies Record<string, readonly SupportPermission[]>;
