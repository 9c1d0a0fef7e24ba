/** Failures of encryption at rest; none says more than that a ciphertext does not open, and whether it ever will. */
import { defineErrors } from '#kernel/errors';

export const secretsErrors = defineErrors('secrets', {
  SECRET_UNREADABLE: {
    status: 500,
    public: 'A stored credential can no longer be read. Enter it again.',
    isReportable: true,
  },
  SECRET_KEY_MISSING: {
    status: 503,
    public: 'The server lacks the key to a stored credential. Nothing is lost: tell whoever runs the server.',
    isReportable: true,
  },
});
