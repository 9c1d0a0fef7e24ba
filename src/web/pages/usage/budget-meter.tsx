/** BudgetMeter shows how much of a budget is used: the amount, the bar with its line at four fifths, and when it renews. */
import { Progress, Text } from '@mantine/core';
import type { BudgetSummary } from './usage-api.ts';
import { formatAmount, usedShare } from './usage-format.ts';
import classes from './usage.module.css';

interface BudgetMeterProps {
  readonly label: string;
  readonly budget: BudgetSummary;
  readonly currency: string;
}

export function BudgetMeter({ budget, currency, label }: BudgetMeterProps) {
  const { balance, limit, unit } = budget;
  if (!balance) return null;
  const share = usedShare(budget);
  const spent = limit === 0 ? 100 : Math.min(100, (balance.spent / limit) * 100);
  const reserved = limit === 0 ? 0 : Math.min(100 - spent, (balance.reserved / limit) * 100);
  const color = share >= 1 ? 'red.6' : share >= 0.8 ? 'yellow.6' : 'tide.6';
  return (
    <div className={classes.meter}>
      <div className={classes.meterHead}>
        <Text size="sm" fw={550}>
          {label}
        </Text>
        <Text size="sm" className={classes.figures}>
          {formatAmount(balance.spent, unit, currency)}{' '}
          <span className={classes.of}>of {formatAmount(limit, unit, currency)}</span>
        </Text>
      </div>
      <div className={classes.bar}>
        <Progress.Root size="lg" radius="sm">
          <Progress.Section value={spent} color={color} aria-label={`${label}: used`} />
          <Progress.Section
            value={reserved}
            color={color}
            opacity={0.45}
            aria-label={`${label}: held by calls under way`}
          />
        </Progress.Root>
        <span className={classes.line} aria-hidden />
      </div>
      <div className={classes.meterHead}>
        <Text size="xs" c="dimmed">
          {Math.floor(share * 100)} % used
          {balance.reserved > 0 ? `, ${formatAmount(balance.reserved, unit, currency)} held by calls under way` : ''}
        </Text>
        <Text size="xs" c="dimmed">
          renews {renewal(balance.periodEnd)}
        </Text>
      </div>
    </div>
  );
}

function renewal(iso: string): string {
  return `${new Date(iso).toLocaleDateString(undefined, { day: 'numeric', month: 'long', timeZone: 'UTC' })}, 00:00 UTC`;
}
