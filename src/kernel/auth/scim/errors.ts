/** Every refusal of a directory that a caller can see; `scimTypes` names them as RFC 7644 does. */
import { defineErrors } from '#kernel/errors';

export const scimErrors = defineErrors('scim', {
  SCIM_TAKEN: { status: 409, public: 'Another resource of this directory has this name.' },
  SCIM_ACCOUNT_EXISTS: {
    status: 409,
    public:
      'There is an account with this address whose owner has not confirmed it. They confirm it first, or sign in by the organisation’s sign-on.',
  },
  SCIM_DOMAIN_NOT_PROVED: {
    status: 403,
    public:
      'The organisation has not proved that it owns the domain of this address. Prove it under Settings → Sign-on.',
  },
  SCIM_OWNER_KEPT: {
    status: 409,
    public: 'This person owns the organisation. Hand it to somebody else before the directory removes them.',
  },
  SCIM_FILTER_INVALID: { status: 400, public: 'This filter is not understood.' },
  SCIM_PATH_INVALID: { status: 400, public: 'This path is not understood.' },
  SCIM_VERSION_OLD: {
    status: 412,
    public: 'This resource has changed since it was read. Read it again, and then change it.',
  },
  SCIM_VALUE_INVALID: { status: 400, public: 'This value cannot be used.' },
});

/** scimTypes maps codes to the `scimType` of RFC 7644, table 9. */
export const scimTypes: Readonly<Record<string, string>> = {
  SCIM_TAKEN: 'uniqueness',
  SCIM_ACCOUNT_EXISTS: 'uniqueness',
  SCIM_OWNER_KEPT: 'mutability',
  SCIM_FILTER_INVALID: 'invalidFilter',
  SCIM_PATH_INVALID: 'invalidPath',
  SCIM_VALUE_INVALID: 'invalidValue',
  INVALID_REQUEST: 'invalidValue',
};
