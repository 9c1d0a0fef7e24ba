/** Settings: what model calls cost, who and what they were for, and how much of the plan and of budgets is left. */
import { Select, SimpleGrid, Stack } from '@mantine/core';
import { IconChartBar } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf } from '../../api-hooks.ts';
import { usePermission } from '../../session.ts';
import { Figure } from '../../ui/figure.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { BudgetsCard } from './budgets-card.tsx';
import { PricesCard } from './prices-card.tsx';
import { BudgetWarning, PlanCard } from './plan-card.tsx';
import { usageApi, type UsageDay } from './usage-api.ts';
import { formatCount, formatMoney, lastDays, type DayRange } from './usage-format.ts';
import { UsageByDay } from './usage-by-day.tsx';
import { UsageGroups } from './usage-groups.tsx';

const series = {
  cost: [{ name: 'costMicros', label: 'Cost', color: 'tide.5' }],
  tokens: [
    { name: 'fresh', label: 'Read', color: 'tide.7' },
    { name: 'cachedInputTokens', label: 'Read from cache', color: 'tide.3' },
    { name: 'outputTokens', label: 'Written', color: 'yellow.6' },
  ],
} as const;

const ranges = [
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: '90', label: 'Last 90 days' },
  { value: '365', label: 'Last 365 days' },
];

export default function UsagePage() {
  const isWhole = usePermission('credits.usage.read');
  const mayBudget = usePermission('credits.budget.write');
  const mayPrice = usePermission('models.price.write');
  const [days, setDays] = useState('30');
  const summary = useQuery(queryOf(usageApi, 'GET /usage'));
  const range = lastDays(Number(days));
  return (
    <>
      <PageHeader
        title="Usage"
        description={
          isWhole
            ? 'What the organisation’s model calls cost, and how much of the plan and of budgets is left.'
            : 'What your model calls cost, and how much of your budgets is left.'
        }
        actions={
          <Select
            aria-label="Period shown"
            data={ranges}
            value={days}
            onChange={(value) => setDays(value ?? '30')}
            w="10rem"
          />
        }
      />
      <Stack gap="md">
        {summary.isPending ? <LoadingRows rows={1} height={120} /> : null}
        {summary.error ? <ErrorState error={summary.error} onRetry={() => void summary.refetch()} /> : null}
        {summary.data ? (
          <>
            <BudgetWarning budgets={summary.data.budgets} mayRaise={mayBudget} />
            <PlanCard {...summary.data} />
            <Figures range={range} isWhole={isWhole} />
            {mayBudget ? <BudgetsCard currency={summary.data.currency} /> : null}
            {mayPrice ? <PricesCard currency={summary.data.currency} /> : null}
          </>
        ) : null}
      </Stack>
    </>
  );
}

interface FiguresProps {
  readonly range: DayRange;
  readonly isWhole: boolean;
}

function useDays({ isWhole, range }: FiguresProps) {
  const query = { from: range.from, to: range.to };
  const whole = useQuery({ ...queryOf(usageApi, 'GET /usage/days', { query }), enabled: isWhole });
  const mine = useQuery({ ...queryOf(usageApi, 'GET /usage/mine/days', { query }), enabled: !isWhole });
  return isWhole ? whole : mine;
}

function Figures({ isWhole, range }: FiguresProps) {
  const days = useDays({ isWhole, range });
  if (days.isPending) return <LoadingRows rows={2} height={160} />;
  if (days.error) return <ErrorState error={days.error} onRetry={() => void days.refetch()} />;
  const { currency, items } = days.data;
  if (items.length === 0) {
    return (
      <EmptyState icon={IconChartBar} title="Nothing used in this time">
        As soon as an agent asks a model, its tokens and cost appear here, by day, model, agent and person.
      </EmptyState>
    );
  }
  return (
    <>
      <Sums days={items} currency={currency} />
      <Chart days={items} range={range} currency={currency} />
      <UsageGroups range={range} isWhole={isWhole} />
    </>
  );
}

function Sums({ currency, days }: { readonly days: readonly UsageDay[]; readonly currency: string }) {
  const sum = (pick: (day: UsageDay) => number) => days.reduce((total, day) => total + pick(day), 0);
  const unpriced = sum(({ unpricedCalls }) => unpricedCalls);
  const input = sum(({ inputTokens }) => inputTokens);
  const cached = sum(({ cachedInputTokens }) => cachedInputTokens);
  return (
    <SimpleGrid cols={{ base: 1, xs: 3 }} spacing={{ base: 'xs', xs: 'md' }}>
      <Figure
        label="Cost"
        value={formatMoney(
          sum(({ costMicros }) => costMicros),
          currency,
        )}
        note={
          unpriced > 0 ? `${formatCount(unpriced)} calls without a stated price not counted` : 'All calls have a price'
        }
      />
      <Figure
        label="Tokens"
        value={formatCount(input + sum(({ outputTokens }) => outputTokens))}
        note={`${input > 0 ? Math.round((cached / input) * 100) : 0} % of what was read came from a cache`}
      />
      <Figure
        label="Calls"
        value={formatCount(sum(({ calls }) => calls))}
        note={`on ${days.length} ${days.length === 1 ? 'day' : 'days'}`}
      />
    </SimpleGrid>
  );
}

function valuesOf(day: UsageDay | undefined): Record<string, number> {
  const { cachedInputTokens = 0, costMicros = 0, inputTokens = 0, outputTokens = 0 } = day ?? {};
  return { costMicros, cachedInputTokens, outputTokens, fresh: inputTokens - cachedInputTokens };
}

interface ChartProps {
  readonly days: readonly UsageDay[];
  readonly range: DayRange;
  readonly currency: string;
}

function Chart({ currency, days, range }: ChartProps) {
  const byDay = new Map(days.map((day) => [day.day, day]));
  return (
    <UsageByDay
      range={range}
      currency={currency}
      hasCost={days.some(({ costMicros }) => costMicros > 0)}
      series={series}
      valuesOf={(day) => valuesOf(byDay.get(day))}
    />
  );
}
