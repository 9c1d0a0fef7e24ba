/** What may be wrong with a push subscription. */
import { defineErrors } from '#kernel/errors';

export const pushErrors = defineErrors('push', {
  PUSH_ENDPOINT_INVALID: {
    status: 400,
    public: 'This is no push service that can be used: its address must be https and public, its keys well formed.',
  },
  PUSH_NEEDS_SESSION: { status: 403, public: 'Only a browser that is signed in can be told by Web Push.' },
});
