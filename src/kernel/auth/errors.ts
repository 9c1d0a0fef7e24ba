/** Every refusal of identity that a caller can see; signing in never tells whether an account exists. */
import { defineErrors } from '#kernel/errors';

export const authErrors = defineErrors('auth', {
  SIGN_IN_FAILED: { status: 401, public: 'The name or the password is not right.' },
  SIGN_UP_CLOSED: { status: 403, public: 'This server does not take new accounts. Ask its owner for an invitation.' },
  SETUP_LINK_INVALID: {
    status: 403,
    public: 'This link was already used, or a newer one replaced it. The newest is printed when the server starts.',
  },
  PASSWORD_REFUSED: { status: 400, public: 'This password cannot be used. See `errors` for each reason.' },
  CURRENT_PASSWORD_WRONG: { status: 403, public: 'The current password is not right.' },
  EMAIL_TAKEN: { status: 409, public: 'There already is an account with this e-mail address.' },
  USERNAME_TAKEN: { status: 409, public: 'This username is taken.' },
});
