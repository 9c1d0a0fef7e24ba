/** Who may have API keys, and who watches over everybody's; what a key itself may do is never more than its maker may. */

export const apiKeyPermissions = {
  'auth.api-key.use': 'Make API keys of one’s own, rename and revoke them',
  'auth.api-key.manage': 'See and revoke the API keys of everybody in the organisation',
} as const;

export type ApiKeyPermission = keyof typeof apiKeyPermissions;

const everything = Object.keys(apiKeyPermissions) as ApiKeyPermission[];
const own = ['auth.api-key.use'] as const;

export const apiKeyPolicy = { owner: everything, admin: everything, member: own, viewer: own } as const;
