/** What a call may be refused for, and what a change of a budget may meet. */
import { defineErrors } from '#kernel/errors';

export const creditErrors = defineErrors('credits', {
  BUDGET_EXHAUSTED: { status: 402, public: 'A budget for model calls is used up.' },
  BUDGET_HOLDER_UNKNOWN: { status: 404, public: 'Whom this budget is for does not exist here.' },
});
