/** The errors only the HTTP layer itself can give. */
import { defineErrors } from '#kernel/errors';

export const httpErrors = defineErrors('http', {
  ORGANISATION_CHANGED: {
    status: 409,
    public: 'This session works in another organisation now. Reload, or switch back.',
  },
  PERSON_CHANGED: {
    status: 409,
    public: 'Somebody else is signed in in this browser now. Sign in again, or reload to go on as them.',
  },
  SUPPORT_READ_ONLY: {
    status: 403,
    public: 'You look into this organisation by its consent: you can read, and change nothing. End the visit first.',
  },
  ADDRESS_TOO_LONG: { status: 414, public: 'The address of the request is too long.' },
  HEADERS_TOO_LARGE: { status: 431, public: 'The headers of the request are too large.' },
  EXPECTATION_FAILED: { status: 417, public: 'The Expect header asks for something this server does not do.' },
  MALFORMED_HTTP: { status: 400, public: 'This is not a well-formed HTTP request.' },
});
