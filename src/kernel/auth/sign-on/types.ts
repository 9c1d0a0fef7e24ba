/** The shapes of signing on through others. */

export type ProviderKind = 'apple' | 'google' | 'github' | 'oidc' | 'saml';

/** Provider is somebody who says who a person is; `connection` is there when an organisation brought it. */
export interface Provider {
  /** `google`, the id of a configured provider, or the id of an organisation's connection. */
  readonly id: string;
  readonly title: string;
  readonly kind: ProviderKind;
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly connection: SsoConnectionRow | null;
}

/** SsoConnectionRow is a row of auth.sso_connections. */
export interface SsoConnectionRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly name: string;
  readonly kind: 'oidc' | 'saml';
  readonly issuer: string;
  readonly client_id: string | null;
  readonly client_secret_ciphertext: string | null;
  readonly client_secret_last_four: string | null;
  readonly sign_on_url: string | null;
  readonly certificates: readonly string[];
  readonly private_key_ciphertext: string | null;
  readonly own_certificate: string | null;
  readonly signs_requests: boolean;
  readonly signs_out_at_provider: boolean;
  readonly default_role: 'admin' | 'member' | 'viewer';
  readonly is_enforced: boolean;
  readonly last_problem: string | null;
  readonly last_problem_at: Date | null;
  readonly last_success_at: Date | null;
  readonly created_at: Date;
}

/** ProviderProfile is what a provider said of a person, once its word was verified. */
export interface ProviderProfile {
  /** Who the person is there; never changes and is never given to another. */
  readonly subject: string;
  /** In lower case; null when the provider keeps it to itself. */
  readonly email: string | null;
  /** The provider says that the person has shown the address to be theirs. */
  readonly isEmailVerified: boolean;
  readonly name: string | null;
  /** OpenID Connect: the session at the provider (`sid`), and the id token that names it. */
  readonly session?: { readonly id: string | null; readonly idToken: string };
}

export type SignOnPurpose = 'sign-in' | 'link' | 'step-up';

/** AttemptRow is a row of auth.sign_on_attempts. */
export interface AttemptRow {
  readonly id: string;
  readonly provider: string;
  readonly connection_id: string | null;
  readonly purpose: SignOnPurpose;
  readonly user_id: string | null;
  readonly session_id: string | null;
  readonly redirect_uri: string;
  readonly nonce: string;
  readonly code_verifier: string;
  readonly next_path: string;
  readonly profile: ProviderProfile | null;
  readonly created_at: Date;
}
