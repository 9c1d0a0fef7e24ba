/** How amounts, days and budgets are written on the usage page. */
import type { BudgetSummary } from './usage-api.ts';

const millionths = 1_000_000;

/** formatMoney writes millionths of a currency; small amounts keep the digits that matter. */
export function formatMoney(micros: number, currency: string): string {
  const amount = micros / millionths;
  const isSmall = amount !== 0 && Math.abs(amount) < 1;
  return amount.toLocaleString(undefined, {
    style: 'currency',
    currency,
    currencyDisplay: 'narrowSymbol',
    minimumFractionDigits: 2,
    maximumFractionDigits: isSmall ? 4 : 2,
  });
}

/** formatCount writes `12,345`, and `1.2M` from a million on. */
export function formatCount(count: number): string {
  return count.toLocaleString(undefined, count >= millionths ? { notation: 'compact', maximumFractionDigits: 1 } : {});
}

/** formatAmount writes an amount in a budget's unit. */
export function formatAmount(amount: number, unit: BudgetSummary['unit'], currency: string): string {
  return unit === 'cost' ? formatMoney(amount, currency) : `${formatCount(amount)} tokens`;
}

export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** lastDays is the range of so many days that ends today, in UTC. */
export function lastDays(count: number, now: number = Date.now()): DayRange {
  const dayOf = (time: number) => new Date(time).toISOString().slice(0, 10);
  return { from: dayOf(now - (count - 1) * 86_400_000), to: dayOf(now) };
}

/** listDays names every day of a range, so that days without a call show as zero. */
export function listDays({ from, to }: DayRange): string[] {
  const days: string[] = [];
  for (let time = Date.parse(from); time <= Date.parse(to); time += 86_400_000)
    days.push(new Date(time).toISOString().slice(0, 10));
  return days;
}

/** usedShare is what a budget has used of its limit, from 0; calls under way count. */
export function usedShare({ balance, limit }: Pick<BudgetSummary, 'balance' | 'limit'>): number {
  if (!balance) return 0;
  return limit === 0 ? 1 : (balance.spent + balance.reserved) / limit;
}
