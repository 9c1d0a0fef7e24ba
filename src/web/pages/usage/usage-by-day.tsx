/** UsageByDay charts each day's cost or tokens, whichever one chooses. */
import { Card, Group, SegmentedControl, Title } from '@mantine/core';
import { useState } from 'react';
import { DayChart, type Series } from '../../ui/day-chart/index.ts';
import { formatCount, formatMoney, listDays, type DayRange } from './usage-format.ts';

type Measure = 'cost' | 'tokens';

const labels: Record<Measure, string> = { cost: 'Cost', tokens: 'Tokens' };
const choices = (['cost', 'tokens'] as const).map((value) => ({ value, label: labels[value] }));

interface UsageByDayProps {
  readonly range: DayRange;
  readonly currency: string;
  /** False shows tokens first: there is nothing to see of cost. */
  readonly hasCost: boolean;
  readonly series: Readonly<Record<Measure, readonly Series[]>>;
  /** A number for each series of both measures: cost in millionths of the currency. */
  readonly valuesOf: (day: string) => Readonly<Record<string, number>>;
}

export function UsageByDay({ currency, hasCost, range, series, valuesOf }: UsageByDayProps) {
  const [chosen, setMeasure] = useState<Measure | null>(null);
  const measure = chosen ?? (hasCost ? 'cost' : 'tokens');
  return (
    <Card>
      <Group justify="space-between" mb="md">
        <Title order={2}>By day</Title>
        <SegmentedControl
          aria-label="What the chart shows"
          size="xs"
          data={choices}
          value={measure}
          onChange={(value) => setMeasure(value as Measure)}
        />
      </Group>
      <DayChart
        label={labels[measure]}
        series={series[measure]}
        days={listDays(range).map((day) => ({ day, values: valuesOf(day) }))}
        format={(value) => (measure === 'cost' ? formatMoney(value, currency) : formatCount(value))}
      />
    </Card>
  );
}
