/** What can go wrong with a run, as its caller sees it. */
import { defineErrors } from '#kernel/errors';

export const runErrors = defineErrors('runs', {
  RUN_ALREADY_ACTIVE: { status: 409, public: 'An answer is still being written here. Wait for it or stop it first.' },
  RUN_CRASHED: {
    status: 500,
    public: 'The server stopped several times during this answer and gave up on it.',
    isRetryable: true,
    isReportable: true,
  },
  RUN_FAILED: {
    status: 500,
    public: 'The answer could not be finished because of a fault on our side.',
    isRetryable: true,
    isReportable: true,
  },
  RUN_NOT_ALLOWED: {
    status: 403,
    public: 'Whoever started this may not do it any more, so it was ended.',
  },
  RUN_CANCELLED: { status: 409, public: 'This was stopped.' },
  BAD_EVENT_ID: { status: 400, public: 'Last-Event-ID must be an event id of this run, such as 1-42.' },
});
