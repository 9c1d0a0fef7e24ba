/** What the console refuses, and why. */
import { defineErrors } from '#kernel/errors';

export const adminErrors = defineErrors('admin', {
  NOT_YOURSELF: { status: 409, public: 'You cannot do this to your own account. Ask another operator.' },
  LAST_OPERATOR: { status: 409, public: 'Somebody must run this server. Make another person an operator first.' },
  ACCOUNT_DISABLED: { status: 409, public: 'This account is switched off. Switch it on first.' },
  ACCOUNT_EXISTS: { status: 409, public: 'Somebody with this address has an account on this server already.' },
  SUPPORT_ALREADY_ASKED: {
    status: 409,
    public: 'You have asked this organisation already. Wait for the answer, or withdraw the question.',
  },
  SUPPORT_NOT_OPEN: { status: 409, public: 'This question is answered, or its time is over.' },
  JOB_NOT_RETRYABLE: { status: 409, public: 'Only a job that failed or was cancelled can be tried again.' },
  JOB_NOT_RUNNING: { status: 409, public: 'This job has ended already.' },
});
