/** Use and cost of the whole installation: by day, by organisation, by model, and as a file for spreadsheets. */
import { Anchor, Button, Card, Group, SegmentedControl, Select, Stack, Table, Text, Title } from '@mantine/core';
import { IconChartBar, IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { queryOf } from '../../api-hooks.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { downloadText, renderRows } from '../usage/usage-csv.ts';
import { UsageByDay } from '../usage/usage-by-day.tsx';
import { formatCount, formatMoney, lastDays, type DayRange } from '../usage/usage-format.ts';
import { adminApi, type UsageRow } from './admin-api.ts';
import classes from './admin.module.css';

const ranges = [
  { value: '7', label: 'Last 7 days' },
  { value: '30', label: 'Last 30 days' },
  { value: '90', label: 'Last 90 days' },
];
const mostRows = 5_000;

export default function AdminUsagePage() {
  const [days, setDays] = useState('30');
  const range = lastDays(Number(days));
  const usage = useQuery(queryOf(adminApi, 'GET /admin/usage', { query: { ...range, limit: mostRows } }));
  const items = usage.data?.items ?? [];
  const currency = usage.data?.currency ?? 'USD';
  return (
    <>
      <PageHeader
        title="Usage and cost"
        description="What the model calls of all organisations cost."
        actions={
          <>
            <Select
              aria-label="Period shown"
              data={ranges}
              value={days}
              allowDeselect={false}
              onChange={(value) => setDays(value ?? '30')}
              w="10rem"
            />
            <Button
              variant="default"
              disabled={items.length === 0}
              leftSection={<IconDownload size={16} />}
              onClick={() => download(items, range, currency)}
            >
              CSV
            </Button>
          </>
        }
      />
      {usage.isPending ? <LoadingRows rows={3} height={120} /> : null}
      {usage.error ? <ErrorState error={usage.error} onRetry={() => void usage.refetch()} /> : null}
      {usage.data && items.length === 0 ? (
        <EmptyState icon={IconChartBar} title="Nothing used in this time">
          As soon as somebody asks a model, its tokens and cost appear here, by day, organisation and model.
        </EmptyState>
      ) : null}
      {items.length > 0 ? (
        <Stack gap="md">
          {usage.data?.isComplete ? null : (
            <Text size="sm">
              These are the dearest {formatCount(mostRows)} rows; choose a shorter time for all of them.
            </Text>
          )}
          <ByDay items={items} range={range} currency={currency} />
          <Groups items={items} currency={currency} />
        </Stack>
      ) : null}
    </>
  );
}

function download(items: readonly UsageRow[], { from, to }: DayRange, currency: string): void {
  const head = ['day', 'organisation', 'organisation id', 'model', 'calls', 'tokens', `cost (${currency})`];
  const rows = items.map((row) => [
    row.day,
    row.organisationName,
    row.organisationId,
    row.model,
    row.calls,
    row.tokens,
    row.costMicros / 1_000_000,
  ]);
  downloadText(`usage-${from}-${to}.csv`, 'text/csv;charset=utf-8', renderRows([head, ...rows]));
}

interface PartProps {
  readonly items: readonly UsageRow[];
  readonly currency: string;
}

const series = {
  cost: [{ name: 'costMicros', label: 'Cost', color: 'tide.5' }],
  tokens: [{ name: 'tokens', label: 'Tokens', color: 'tide.5' }],
} as const;

function ByDay({ currency, items, range }: PartProps & { readonly range: DayRange }) {
  const sums = new Map<string, { costMicros: number; tokens: number }>();
  for (const { day, costMicros, tokens } of items) {
    const sum = sums.get(day) ?? { costMicros: 0, tokens: 0 };
    sums.set(day, { costMicros: sum.costMicros + costMicros, tokens: sum.tokens + tokens });
  }
  return (
    <UsageByDay
      range={range}
      currency={currency}
      hasCost={items.some(({ costMicros }) => costMicros > 0)}
      series={series}
      valuesOf={(day) => ({ costMicros: 0, tokens: 0, ...sums.get(day) })}
    />
  );
}

interface Sum {
  readonly key: string;
  readonly name: string;
  calls: number;
  tokens: number;
  costMicros: number;
}

/** sumBy adds rows up under a key, dearest first. */
function sumBy(items: readonly UsageRow[], by: 'organisation' | 'model'): Sum[] {
  const sums = new Map<string, Sum>();
  for (const row of items) {
    const key = by === 'model' ? row.model : row.organisationId;
    const name = by === 'model' ? row.model : row.organisationName;
    const sum = sums.get(key) ?? { key, name, calls: 0, tokens: 0, costMicros: 0 };
    sum.calls += row.calls;
    sum.tokens += row.tokens;
    sum.costMicros += row.costMicros;
    sums.set(key, sum);
  }
  return [...sums.values()].toSorted((a, b) => b.costMicros - a.costMicros || b.tokens - a.tokens);
}

function Groups({ currency, items }: PartProps) {
  const [by, setBy] = useState<'organisation' | 'model'>('organisation');
  const shown = sumBy(items, by).slice(0, 100);
  return (
    <Card>
      <Group justify="space-between" mb="md">
        <Title order={2}>Who and what</Title>
        <SegmentedControl
          aria-label="Summed by"
          size="xs"
          data={[
            { value: 'organisation', label: 'Organisation' },
            { value: 'model', label: 'Model' },
          ]}
          value={by}
          onChange={(value) => setBy(value as 'organisation' | 'model')}
        />
      </Group>
      <div className={classes.scroll} role="region" aria-label="Use by organisation or model" tabIndex={0}>
        <Table className={classes.table}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{by === 'model' ? 'Model' : 'Organisation'}</Table.Th>
              <Table.Th className={classes.number}>Cost</Table.Th>
              <Table.Th className={classes.number}>Tokens</Table.Th>
              <Table.Th className={classes.number}>Calls</Table.Th>
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {shown.map((sum) => (
              <Table.Tr key={sum.key}>
                <Table.Td className={classes.name}>
                  {by === 'model' ? (
                    sum.name
                  ) : (
                    <Anchor component={Link} to={`/admin/organisations/${sum.key}`} size="sm">
                      {sum.name}
                    </Anchor>
                  )}
                </Table.Td>
                <Table.Td className={classes.number}>{formatMoney(sum.costMicros, currency)}</Table.Td>
                <Table.Td className={classes.number}>{formatCount(sum.tokens)}</Table.Td>
                <Table.Td className={classes.number}>{formatCount(sum.calls)}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </div>
    </Card>
  );
}
