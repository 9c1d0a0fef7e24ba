/** What the routes of identity ask of roles, put together from its parts. */
import { apiKeyPermissions, apiKeyPolicy } from './api-keys/permissions.ts';
import { scimPermissions, scimPolicy } from './scim/permissions.ts';
import { signOnPermissions, signOnPolicy } from './sign-on/permissions.ts';

export const authPermissions = { ...apiKeyPermissions, ...scimPermissions, ...signOnPermissions } as const;

export const authPolicy = {
  owner: [...apiKeyPolicy.owner, ...scimPolicy.owner, ...signOnPolicy.owner],
  admin: [...apiKeyPolicy.admin, ...scimPolicy.admin, ...signOnPolicy.admin],
  member: [...apiKeyPolicy.member, ...scimPolicy.member, ...signOnPolicy.member],
  viewer: [...apiKeyPolicy.viewer, ...scimPolicy.viewer, ...signOnPolicy.viewer],
} as const;
