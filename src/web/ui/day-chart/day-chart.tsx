/** DayChart draws figures by day and gives them as a table too, for who cannot see a drawing or wants the numbers. */
import { Skeleton, Table } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { formatShortDay } from '../format.ts';
import classes from './day-chart.module.css';

const DayBars = lazy(() => import('./day-bars.tsx'));

/** Series is one of the figures that are stacked on a day. */
export interface Series {
  readonly name: string;
  readonly label: string;
  /** A shade of the theme, such as `tide.5`. */
  readonly color: string;
}

/** ChartDay is a day (YYYY-MM-DD, UTC) with a number for each series. */
export interface ChartDay {
  readonly day: string;
  readonly values: Readonly<Record<string, number>>;
}

export interface DayChartProps {
  /** What is drawn, such as `Cost`. */
  readonly label: string;
  readonly series: readonly Series[];
  /** Oldest first, without gaps. */
  readonly days: readonly ChartDay[];
  readonly format: (value: number) => string;
}

/** DayChart keeps its place while the drawing, which is heavy, is loaded. */
export function DayChart(props: DayChartProps) {
  return (
    <>
      <Suspense fallback={<Skeleton height={240} />}>
        <DayBars {...props} />
      </Suspense>
      <DayTable {...props} />
    </>
  );
}

function DayTable({ days, format, label, series }: DayChartProps) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details className={classes.details} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>As a table</summary>
      {isOpen ? (
        <section className={classes.scroll} tabIndex={0} aria-label={`${label} by day`}>
          <Table className={classes.table} verticalSpacing={4}>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>Day (UTC)</Table.Th>
                {series.map((one) => (
                  <Table.Th key={one.name}>{one.label}</Table.Th>
                ))}
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {days.toReversed().map(({ day, values }) => (
                <Table.Tr key={day}>
                  <Table.Th scope="row">{formatShortDay(day)}</Table.Th>
                  {series.map(({ name }) => (
                    <Table.Td key={name}>{format(values[name] ?? 0)}</Table.Td>
                  ))}
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </section>
      ) : null}
    </details>
  );
}
