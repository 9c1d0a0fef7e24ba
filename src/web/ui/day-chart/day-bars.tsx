/** The drawing of a DayChart; a module of its own, because the charts are heavy and load only with it. */
import '@mantine/charts/styles.css';
import { BarChart } from '@mantine/charts';
import { formatShortDay } from '../format.ts';
import type { DayChartProps } from './day-chart.tsx';

/** describe is what stands for the drawing where it is not seen: its days, and the highest of them. */
function describe({ days, format, label, series }: DayChartProps): string {
  const sums = days.map(({ day, values }) => ({
    day,
    sum: series.reduce((total, { name }) => total + (values[name] ?? 0), 0),
  }));
  const [first, last] = [days[0], days.at(-1)];
  if (!first || !last) return label;
  const top = sums.reduce((best, one) => (one.sum > best.sum ? one : best));
  const most = top.sum > 0 ? `; most on ${formatShortDay(top.day)}: ${format(top.sum)}` : '';
  return `${label} by day, from ${formatShortDay(first.day)} to ${formatShortDay(last.day)}${most}. The table below has every day`;
}

export default function DayBars(props: DayChartProps) {
  const { days, format, series } = props;
  return (
    <BarChart
      h={240}
      data={days.map(({ day, values }) => ({ day: formatShortDay(day), ...values }))}
      dataKey="day"
      type="stacked"
      series={[...series]}
      valueFormatter={format}
      withLegend={series.length > 1}
      maxBarWidth={28}
      gridAxis="x"
      tickLine="none"
      yAxisProps={{ width: 72, allowDecimals: false }}
      xAxisProps={{ interval: 'preserveStartEnd', minTickGap: 24 }}
      barProps={{ isAnimationActive: false }}
      barChartProps={{ accessibilityLayer: false, margin: { top: 8 } }}
      role="img"
      aria-label={describe(props)}
    />
  );
}
