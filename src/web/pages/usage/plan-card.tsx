/** PlanCard shows the plan, what is left of its credits, and every budget that binds the person; it warns from four fifths on. */
import { Alert, Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { BudgetMeter } from './budget-meter.tsx';
import { nameOfBudget } from './budget-names.ts';
import type { BudgetSummary, UsageSummary } from './usage-api.ts';
import { formatCount, formatMoney, usedShare } from './usage-format.ts';

const planNames = { free: 'Free', pro: 'Pro', enterprise: 'Enterprise' } as const;

/** BudgetWarning stands above everything when a budget is nearly or wholly used. */
export function BudgetWarning({
  budgets,
  mayRaise,
}: {
  readonly budgets: readonly BudgetSummary[];
  readonly mayRaise: boolean;
}) {
  const worst = budgets.toSorted((one, other) => usedShare(other) - usedShare(one))[0];
  if (!worst || usedShare(worst) < 0.8) return null;
  const isOver = usedShare(worst) >= 1;
  const whoRaises =
    worst.scope === 'plan'
      ? 'Who runs this server can change the plan.'
      : mayRaise
        ? 'You can raise it below.'
        : 'An owner or admin can raise it.';
  return (
    <Alert
      color={isOver ? 'red' : 'yellow'}
      icon={<IconAlertTriangle size={20} />}
      role="status"
      title={
        isOver
          ? `${nameOfBudget(worst)} is used up`
          : `${nameOfBudget(worst)}: ${Math.floor(usedShare(worst) * 100)} % used`
      }
    >
      {isOver
        ? `Agents cannot ask models until it renews. ${whoRaises}`
        : `Agents stop asking models when it is used up. ${whoRaises}`}
    </Alert>
  );
}

function formatRate({ max, windowSeconds }: UsageSummary['limits'][number]): string {
  const times = `${formatCount(max)} times`;
  return windowSeconds === 60 ? `${times} a minute` : `${times} in ${formatCount(windowSeconds)} seconds`;
}

export function PlanCard({ budgets, currency, limits, monthlyCredits, plan }: UsageSummary) {
  const [chat] = limits;
  return (
    <Card>
      <Stack gap="md">
        <div>
          <Group justify="space-between">
            <Title order={2}>Plan and budgets</Title>
            <StatusBadge tone="neutral">{planNames[plan]}</StatusBadge>
          </Group>
          <Text size="sm" c="dimmed">
            {monthlyCredits === null
              ? 'The plan has no ceiling for model calls.'
              : `The plan includes ${formatMoney(monthlyCredits, currency)} of model calls a month.`}{' '}
            {chat ? `All of you together may ask agents ${formatRate(chat)}. ` : ''}
            {budgets.length === 0 ? 'No budget binds you.' : 'The mark on each bar is at 80 %.'}
          </Text>
        </div>
        {budgets.map((budget) => (
          <BudgetMeter key={budget.id} budget={budget} currency={currency} label={nameOfBudget(budget)} />
        ))}
      </Stack>
    </Card>
  );
}
