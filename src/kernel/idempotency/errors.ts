/** What a client hears when an Idempotency-Key cannot be honoured. */
import { defineErrors } from '#kernel/errors';

export const idempotencyErrors = defineErrors('idempotency', {
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    public: 'The Idempotency-Key must be 1 to 255 printable ASCII characters, in double quotes.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    public: 'This Idempotency-Key was already used for another request. Use a new key.',
  },
  IDEMPOTENCY_IN_PROGRESS: {
    status: 409,
    public: 'A request with this Idempotency-Key is still running. Try again shortly.',
    isRetryable: true,
  },
  IDEMPOTENCY_ANSWER_LOST: {
    status: 409,
    public:
      'The first request with this Idempotency-Key took effect, but its answer was lost. Reload to see the result.',
  },
});
