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
  MAIL_LINK_INVALID: { status: 403, public: 'This link was already used, or its time is over. Ask for a new one.' },
  CURRENT_PASSWORD_WRONG: { status: 403, public: 'The current password is not right.' },
  EMAIL_TAKEN: { status: 409, public: 'There already is an account with this e-mail address.' },
  USERNAME_TAKEN: { status: 409, public: 'This username is taken.' },
  SECOND_FACTOR_FAILED: { status: 401, public: 'This code is not right, or it was used before.' },
  SECOND_FACTOR_EXPIRED: {
    status: 401,
    public: 'This sign-in waited too long, or too many codes were tried. Sign in again from the start.',
  },
  CODE_WRONG: {
    status: 403,
    public:
      'This code is not right. Codes change every 30 seconds: enter the newest, and check the clock of your phone.',
  },
  TOTP_ACTIVE: { status: 409, public: 'An authenticator app is set up already. Remove it first.' },
  TOTP_NOT_STARTED: {
    status: 409,
    public: 'Setting up the app was not begun, or was finished elsewhere. Begin again.',
  },
  SECOND_FACTOR_MISSING: { status: 409, public: 'Set up an authenticator app, or have a passkey asked for, first.' },
  PASSKEY_REFUSED: { status: 403, public: 'This passkey was not accepted. Try again.' },
  PASSKEY_KNOWN: { status: 409, public: 'This passkey is registered already.' },
  PASSKEY_MISSING: { status: 409, public: 'There is no passkey yet. Add one first.' },
  PASSKEY_COUNT_REACHED: { status: 409, public: 'You have as many passkeys as one person may have. Remove one first.' },
  PASSKEY_NEEDED: {
    status: 409,
    public: 'This is your only passkey, and signing in asks for one. Add another, or stop asking for it first.',
  },
  PASSKEY_HOST_UNFIT: {
    status: 409,
    public: 'Passkeys belong to a name. Come by the address that PUBLIC_URL names, or by http://localhost.',
  },
  LAST_WAY_IN: { status: 409, public: 'This is your only way to sign in. Set up another one first.' },
  ACCESS_TOKEN_EXPIRED: { status: 401, public: 'This access token has expired. Refresh it.' },
  DEVICE_CODE_INVALID: {
    status: 401,
    public: 'This code was used, came too late, or was made for another app. Start again in the browser.',
  },
  REDIRECT_REFUSED: {
    status: 400,
    public: 'The app must ask to be called back by its own scheme, such as com.example.app:/, or at http://127.0.0.1.',
  },
  REFRESH_TOKEN_INVALID: { status: 401, public: 'This refresh token does not count. Sign in again.' },
  REFRESH_TOKEN_EXPIRED: { status: 401, public: 'This refresh token came too late. Sign in again.' },
  REFRESH_TOKEN_REUSED: {
    status: 401,
    public: 'This refresh token was used before, so the device was signed out. Sign in again.',
  },
  TOKENS_NOT_FOR_BROWSERS: {
    status: 403,
    public:
      'Tokens are for phones and programs. In a browser, sign in with the form: its session is safer in a cookie.',
  },
  SECOND_FACTOR_NEEDED: {
    status: 403,
    public:
      'This account asks for a second step: send a code of the authenticator app, or a recovery code, in `secondFactor`. With passkeys alone, make an API key in the browser.',
  },
  API_KEY_REVOKED: { status: 401, public: 'This API key was revoked. Use another one.' },
  API_KEY_EXPIRED: { status: 401, public: 'This API key has expired. Make a new one.' },
  API_KEY_ADDRESS_REFUSED: { status: 401, public: 'This API key does not count from this address.' },
  API_KEY_COUNT_REACHED: {
    status: 409,
    public: 'You have as many API keys in use as one person may have. Revoke one that you no longer need.',
  },
});
