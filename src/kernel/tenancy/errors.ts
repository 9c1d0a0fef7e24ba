/** Every refusal of organisations that a caller can see. */
import { defineErrors } from '#kernel/errors';

export const tenancyErrors = defineErrors('tenancy', {
  ORGANISATION_PERSONAL: {
    status: 409,
    public:
      'This is a personal organisation: it has one member for ever. Create a team organisation to work with others.',
  },
  ORGANISATION_LIMIT: {
    status: 409,
    public: 'You own as many organisations as this server allows. Hand one over, or ask who runs the server.',
  },
  LAST_OWNER: {
    status: 409,
    public: 'An organisation always has an owner. Make another member an owner first.',
  },
  OWNERS_ONLY: { status: 403, public: 'Only an owner may do this to owners and admins.' },
  ALREADY_MEMBER: { status: 409, public: 'This person already belongs to the organisation.' },
  INVITATION_EXISTS: {
    status: 409,
    public: 'This address has been invited already. Send the invitation again, or revoke it first.',
  },
  INVITATION_IS_A_LINK: { status: 409, public: 'A link cannot be sent again. Create a new one.' },
  INVITATION_INVALID: {
    status: 404,
    public: 'This invitation is used, revoked or over. Ask the person who invited you for a new one.',
  },
  INVITATION_FOR_NEWCOMERS: {
    status: 409,
    public: 'This invitation is for somebody without an account on this server. You have one already.',
  },
  INVITATION_FOR_ANOTHER_ADDRESS: {
    status: 409,
    public: 'This invitation was sent to another e-mail address than that of your account.',
  },
});
