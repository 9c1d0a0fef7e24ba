/** Principal: who is asking, on behalf of which organisation, and by which means. */

export type Role = 'owner' | 'admin' | 'member' | 'viewer';

export interface Principal {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  /** How the caller proved who it is. */
  readonly via:
    | { readonly kind: 'session'; readonly sessionId: string }
    | { readonly kind: 'run'; readonly runId: string };
}
