/** BudgetForm sets a budget or changes its limit; whose it is and its unit stay once it is set. */
import { Button, Group, NumberInput, SegmentedControl, Select, Stack, Text } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf, useCall } from '../../api-hooks.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { useKeyNames, useSubjectNames } from './subject-names.ts';
import { membersApi, usageApi, type Budget, type NewBudget } from './usage-api.ts';

interface BudgetFormProps {
  /** Absent: a new one. */
  readonly budget: Budget | undefined;
  readonly holderName: string;
  readonly currency: string;
  readonly onSaved: () => void;
  readonly onCancel: () => void;
}

type Scope = NewBudget['scope'];

interface Values {
  scope: Scope;
  holder: string;
  unit: 'cost' | 'tokens';
  period: 'day' | 'month';
  /** In whole units of the currency, or tokens. */
  limit: number | string;
}

const millionths = 1_000_000;
const scopes: readonly { readonly value: Scope; readonly label: string }[] = [
  { value: 'organisation', label: 'The whole organisation' },
  { value: 'user', label: 'People' },
  { value: 'subject', label: 'Agents' },
  { value: 'key', label: 'API keys' },
];

const questions = { user: 'Who', subject: 'Which agent', key: 'Which key' } as const;
const forEach = {
  user: 'Each person without a budget of their own',
  subject: 'Each agent without a budget of its own',
  key: 'Each key without a budget of its own',
} as const;

function toValues(budget: Budget | undefined): Values {
  if (!budget) return { scope: 'organisation', holder: '*', unit: 'cost', period: 'month', limit: '' };
  const { holder, limit, period, unit } = budget;
  const scope = budget.scope === 'plan' ? 'organisation' : budget.scope;
  return { scope, holder, unit, period, limit: unit === 'cost' ? limit / millionths : limit };
}

function toBody({ holder, limit, period, scope, unit }: Values): NewBudget {
  const amount = Math.round(Number(limit) * (unit === 'cost' ? millionths : 1));
  return { scope, holder: scope === 'organisation' ? '' : holder, unit, period, limit: amount };
}

export function BudgetForm({ budget, currency, holderName, onCancel, onSaved }: BudgetFormProps) {
  const form = useForm<Values>({
    initialValues: toValues(budget),
    validate: { limit: (value) => (value === '' ? 'Say how much.' : null) },
  });
  const [problem, setProblem] = useState<unknown>(null);
  const save = useCall(usageApi, 'PUT /budgets', {
    onMutate: () => setProblem(null),
    onSuccess: onSaved,
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  const { scope, unit } = form.values;
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate({ body: toBody(values) }))}>
      <Stack gap="sm">
        {budget ? <Text size="sm">For: {holderName}</Text> : <WhoseFields form={form} />}
        {budget ? null : (
          <SegmentedControl
            aria-label="What is counted"
            fullWidth
            data={[
              { value: 'cost', label: `Cost (${currency})` },
              { value: 'tokens', label: 'Tokens' },
            ]}
            {...form.getInputProps('unit')}
          />
        )}
        <SegmentedControl
          aria-label="Period"
          fullWidth
          data={[
            { value: 'month', label: 'Each month' },
            { value: 'day', label: 'Each day' },
          ]}
          {...form.getInputProps('period')}
        />
        <NumberInput
          label={unit === 'cost' ? `Limit in ${currency}` : 'Limit in tokens'}
          description={
            unit === 'cost'
              ? 'Counts models with a stated price; other calls cost nothing here. Count tokens to bound those.'
              : 'Tokens read and written, with every model.'
          }
          min={0}
          max={unit === 'cost' ? 1_000_000_000 : 1_000_000_000_000_000}
          decimalScale={unit === 'cost' ? 6 : 0}
          thousandSeparator=","
          required
          data-autofocus={budget ? true : undefined}
          {...form.getInputProps('limit')}
        />
        <Text size="xs" c="dimmed">
          Calls stop when the limit is reached{scope === 'organisation' ? '' : ', for whom it is'}, and go on when the
          next period begins at 00:00 UTC.
        </Text>
        <FormProblem error={problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            {budget ? 'Save' : 'Set budget'}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

type WhoseForm = Pick<ReturnType<typeof useForm<Values>>, 'values' | 'getInputProps' | 'setValues'>;

function WhoseFields({ form }: { readonly form: WhoseForm }) {
  const { scope } = form.values;
  const members = useQuery({
    ...queryOf(membersApi, 'GET /members', { query: { limit: 200 } }),
    enabled: scope === 'user',
  });
  const agents = useSubjectNames(scope === 'subject');
  const keys = useKeyNames(scope === 'key');
  const people = members.data?.items.map(({ id, name }) => ({ value: id, label: name })) ?? [];
  const toChoices = (names: ReadonlyMap<string, string>) => [...names].map(([value, label]) => ({ value, label }));
  const holders = { organisation: [], user: people, subject: toChoices(agents), key: toChoices(keys) }[scope];
  return (
    <>
      <Select
        label="For"
        data={scopes}
        {...form.getInputProps('scope')}
        onChange={(value) => form.setValues({ scope: (value ?? 'organisation') as Scope, holder: '*' })}
      />
      {scope === 'organisation' ? null : (
        <Select
          label={questions[scope]}
          searchable
          data={[{ value: '*', label: forEach[scope] }, ...holders]}
          {...form.getInputProps('holder')}
        />
      )}
    </>
  );
}
