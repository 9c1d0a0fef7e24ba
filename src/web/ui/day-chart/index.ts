/** The door of the chart by day. Apart from the design system's own, because only pages with figures need it. */
export { DayChart } from './day-chart.tsx';
export type { ChartDay, Series } from './day-chart.tsx';
