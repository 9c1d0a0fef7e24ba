/** The policy answers one question in one place: may this role do that (K3.5)? */
import type { Role } from '#kernel/auth';

/** PermissionSet is what the kernel or an app declares: its permissions, and which role holds which. */
export interface PermissionSet {
  /** `agents.agent.write` -> what it lets one do. */
  readonly permissions: Readonly<Record<string, string>>;
  readonly policy: Readonly<Record<Role, readonly string[]>>;
}

export interface Policy {
  /** Every declared permission with its sentence. */
  readonly permissions: Readonly<Record<string, string>>;
  allows(role: Role, permission: string): boolean;
}

/** createPolicy merges the sets. Throws when two declare the same permission or a role is given an undeclared one. */
export function createPolicy(sets: readonly PermissionSet[]): Policy {
  const permissions: Record<string, string> = {};
  const held = new Map<Role, Set<string>>();
  for (const set of sets) {
    for (const [name, meaning] of Object.entries(set.permissions)) {
      if (name in permissions) throw new Error(`the permission ${name} is declared twice`);
      permissions[name] = meaning;
    }
    for (const [role, names] of Object.entries(set.policy) as [Role, readonly string[]][]) {
      const unknown = names.find((name) => !(name in set.permissions));
      if (unknown)
        throw new Error(`the policy gives ${role} the permission ${unknown}, which its module does not declare`);
      held.set(role, new Set([...(held.get(role) ?? []), ...names]));
    }
  }
  return {
    permissions: Object.freeze(permissions),
    allows: (role, permission) => held.get(role)?.has(permission) ?? false,
  };
}
