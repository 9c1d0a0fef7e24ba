/** TestResult says in one line whether a model connection works, and if not, what to mend. */
import { Text } from '@mantine/core';
import { IconAlertTriangle, IconCircleCheck } from '@tabler/icons-react';
import { asProblem } from '../../api.ts';
import type { TestOutcome } from './models-api.ts';
import classes from './models.module.css';

interface TestResultProps {
  readonly outcome: TestOutcome | undefined;
  /** The test itself could not be made. */
  readonly error: unknown;
}

export function TestResult({ outcome, error }: TestResultProps) {
  if (!outcome && !error) return null;
  const isOk = outcome?.isOk ?? false;
  return (
    <Text size="sm" className={classes.testResult} data-ok={isOk || undefined} role="status" component="div">
      {isOk ? <IconCircleCheck size={18} aria-hidden /> : <IconAlertTriangle size={18} aria-hidden />}
      <span>{outcome ? describe(outcome) : asProblem(error).message}</span>
    </Text>
  );
}

function describe(outcome: TestOutcome): string {
  if (!outcome.isOk) return outcome.problem?.detail ?? 'The endpoint did not answer as expected.';
  const time = `${Math.round(outcome.latencyMilliseconds).toLocaleString()} ms`;
  const offer =
    outcome.modelCount === null
      ? ''
      : ` It offers ${outcome.modelCount} ${outcome.modelCount === 1 ? 'model' : 'models'}.`;
  return `Works: ${outcome.model ?? 'the model'} answered in ${time}.${offer}`;
}
