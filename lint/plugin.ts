/** The house rules of CONTRIBUTING.md that no ready-made linter knows, as an oxlint plugin named `house`. */
import { deterministicWorkflows } from './rules/deterministic-workflows.ts';
import { functionLength } from './rules/function-length.ts';
import { noPoolOutsideDb } from './rules/no-pool-outside-db.ts';
import { noProcessEnv } from './rules/no-process-env.ts';
import { noRawFetch } from './rules/no-raw-fetch.ts';
import { noRootHandleInTransaction } from './rules/no-root-handle-in-transaction.ts';
import { openingSentence } from './rules/opening-sentence.ts';

export default {
  meta: { name: 'house' },
  rules: {
    'deterministic-workflows': deterministicWorkflows,
    'function-length': functionLength,
    'no-pool-outside-db': noPoolOutsideDb,
    'no-process-env': noProcessEnv,
    'no-raw-fetch': noRawFetch,
    'no-root-handle-in-transaction': noRootHandleInTransaction,
    'opening-sentence': openingSentence,
  },
};
