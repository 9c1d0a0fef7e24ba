/** Principal: who is asking, on behalf of which organisation, and by which means. */

export type Role = 'owner' | 'admin' | 'member' | 'viewer';

/** Via is how the caller proved who it is. */
export type Via =
  /** A browser's cookie; `provedAt` (milliseconds since 1970) is when the person last gave a password or passkey. */
  | { readonly kind: 'session'; readonly sessionId: string; readonly provedAt: number }
  /** A run that goes on after its request; `keyId` names the API key that started it. */
  | { readonly kind: 'run'; readonly runId: string; readonly keyId?: string }
  /** An API key of an organisation, with what it may ask in a minute. */
  | { readonly kind: 'key'; readonly keyId: string; readonly requestsPerMinute: number }
  /** An access token of a phone or program; `familyId` names the sign-in that all its refreshed tokens come from. */
  | { readonly kind: 'token'; readonly familyId: string }
  /** The server's operator, let in by the organisation to look and not to touch. */
  | { readonly kind: 'support'; readonly grantId: string; readonly sessionId: string };

export interface Principal {
  readonly userId: string;
  readonly tenantId: string;
  readonly role: Role;
  /** True for people who run this server: they see what concerns the installation, never what people keep in it. */
  readonly isOperator?: boolean;
  /** When present, nothing beyond these permissions, whatever the role holds. */
  readonly scopes?: readonly string[];
  readonly via: Via;
}
