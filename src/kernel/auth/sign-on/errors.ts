/** Every refusal of signing on through others; none of them repeats what a provider or a browser sent. */
import { defineErrors } from '#kernel/errors';

export const signOnErrors = defineErrors('sign-on', {
  SIGN_ON_UNKNOWN_PROVIDER: { status: 404, public: 'This server does not offer signing in that way.' },
  SIGN_ON_EXPIRED: {
    status: 400,
    public: 'This sign-in was begun in another browser, was used already, or took too long. Start again.',
  },
  SIGN_ON_CANCELLED: { status: 400, public: 'Signing in was cancelled at the provider. Nothing was changed.' },
  SIGN_ON_REFUSED: {
    status: 400,
    public:
      'The provider’s answer could not be verified, so nobody was signed in. Start again; if it happens again, tell the administrator.',
  },
  SIGN_ON_PROVIDER_AWAY: {
    status: 502,
    public: 'The provider did not answer in time or not as it should. Try again in a moment, or sign in another way.',
    isRetryable: true,
  },
  SIGN_ON_NO_EMAIL: {
    status: 400,
    public: 'The provider did not tell an e-mail address. Allow it there, then start again.',
  },
  SIGN_ON_LINK_FIRST: {
    status: 409,
    public:
      'There already is an account with this e-mail address. Sign in to it another way, then link this provider under Settings, Security.',
  },
  SIGN_ON_LINKED_ELSEWHERE: { status: 409, public: 'This account of the provider is linked to somebody else here.' },
  SIGN_ON_WRONG_PERSON: { status: 403, public: 'The provider named another person than the one who is signed in.' },
  SIGN_ON_WRONG_DOMAIN: {
    status: 403,
    public: 'The organisation’s provider named an e-mail address that is not of one of its verified domains.',
  },
  SIGN_ON_REQUIRED: {
    status: 403,
    public: 'Your organisation asks you to sign in through its own provider. Enter your e-mail address to get there.',
  },
  SIGN_ON_DEACTIVATED: {
    status: 403,
    public: 'The directory of your organisation has deactivated you there. Ask who keeps it.',
  },
  SSO_CONNECTION_NAME_TAKEN: { status: 409, public: 'There already is a connection with this name.' },
  SSO_METADATA_INVALID: { status: 400, public: 'This is not the metadata of a SAML identity provider.' },
  SSO_SECRET_REQUIRED: { status: 400, public: 'Another issuer or client needs its client secret entered again.' },
  SSO_DOMAIN_TAKEN: { status: 409, public: 'This domain is already claimed.' },
  SSO_DOMAIN_UNPROVED: {
    status: 409,
    public: 'The TXT record was not found. New records can take some minutes, sometimes hours, to be seen.',
  },
  SSO_DOMAIN_LIMIT: { status: 409, public: 'A connection has at most 20 domains.' },
  SSO_ENFORCEMENT_NEEDS_PROOF: {
    status: 409,
    public: 'Only a connection with a verified domain, through which somebody has signed in, can be made compulsory.',
  },
});
