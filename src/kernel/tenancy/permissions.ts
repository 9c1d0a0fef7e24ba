/** What a role may do is the union of what the apps' policies give it; nothing else grants anything (K3.5). */
import type { Role } from '#kernel/auth';

/** PermissionSource is the part of an app definition that says which role holds which permissions. */
export interface PermissionSource {
  readonly permissions: Readonly<Record<string, string>>;
  readonly policy: Readonly<Record<Role, readonly string[]>>;
}

/**
 * permissionsOf returns the permissions a role holds across all apps. A policy that names a permission its app does not
 * declare throws: a typing error must not pass as a grant of nothing.
 */
export function permissionsOf(role: Role, apps: readonly PermissionSource[]): ReadonlySet<string> {
  const granted = new Set<string>();
  for (const app of apps) {
    for (const permission of app.policy[role]) {
      if (!Object.hasOwn(app.permissions, permission))
        throw new Error(`the policy of ${role} names ${permission}, which its app does not declare`);
      granted.add(permission);
    }
  }
  return granted;
}
