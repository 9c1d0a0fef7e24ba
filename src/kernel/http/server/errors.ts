/** The errors only the HTTP layer itself can give. */
import { defineErrors } from '#kernel/errors';

export const httpErrors = defineErrors('http', {
  ADDRESS_TOO_LONG: { status: 414, public: 'The address of the request is too long.' },
  HEADERS_TOO_LARGE: { status: 431, public: 'The headers of the request are too large.' },
  MALFORMED_HTTP: { status: 400, public: 'This is not a well-formed HTTP request.' },
});
