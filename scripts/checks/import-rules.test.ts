/** The import rules are known to bite: a rule that catches nothing in the canary is itself an error. */
import { expect, test } from 'vitest';
import { checkImportRules, judgeCanary } from './import-rules.ts';

test('[Q4] a rule that no longer catches its violation in the canary is reported', () => {
  const ruleSetUsed = { forbidden: [{ name: 'no-cycles' }, { name: 'kernel-door' }] };
  const violations = [{ from: 'a', to: 'b', rule: { name: 'no-cycles' } }];
  expect(judgeCanary({ ruleSetUsed, violations })).toEqual([
    'rule kernel-door no longer catches its violation in lint/canary',
  ]);
});

test('[Q4] nobody imports past a door, a level or an application, and every rule is proved by its canary', async () => {
  expect(await checkImportRules()).toEqual([]);
}, 180_000);
