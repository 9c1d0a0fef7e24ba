/** Failures of encryption at rest; none says more than that a ciphertext does not open. */
import { defineErrors } from '#kernel/errors';

export const secretsErrors = defineErrors('secrets', {
  SECRET_UNREADABLE: {
    status: 500,
    public: 'A stored credential can no longer be read. Enter it again.',
    isReportable: true,
  },
});
