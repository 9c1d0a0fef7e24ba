/** The overview, for who runs the server: is it well, what to do where it is not, and what went on in the last 30 days. */
import { Button, Card, Group, SegmentedControl, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconRefresh } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf } from '../../api-hooks.ts';
import { DataList, DataRow } from '../../ui/data-list.tsx';
import { DayChart } from '../../ui/day-chart/index.ts';
import { Figure } from '../../ui/figure.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { StatusBadge, type Tone } from '../../ui/status-badge.tsx';
import { formatCount, formatMoney } from '../usage/usage-format.ts';
import { adminApi, type HealthCheck, type Overview } from './admin-api.ts';

export default function OverviewPage() {
  const overview = useQuery({ ...queryOf(adminApi, 'GET /admin/overview'), refetchInterval: 30_000 });
  return (
    <>
      <PageHeader
        title="Overview"
        description="How this installation is, and what is going on. It looks again every half minute."
        actions={
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} />}
            loading={overview.isFetching && !overview.isPending}
            onClick={() => void overview.refetch()}
          >
            Look now
          </Button>
        }
      />
      {overview.isPending ? <LoadingRows rows={6} /> : null}
      {overview.error && !overview.data ? (
        <ErrorState error={overview.error} onRetry={() => void overview.refetch()} />
      ) : null}
      {overview.data ? <Content overview={overview.data} /> : null}
    </>
  );
}

function Content({ overview }: { readonly overview: Overview }) {
  const today = overview.days.at(-1);
  const money = (micros: number) => formatMoney(micros, overview.currency);
  const disabled = overview.disabledPeople > 0 ? `, ${formatCount(overview.disabledPeople)} switched off` : '';
  return (
    <Stack gap="md">
      <SimpleGrid cols={{ base: 2, sm: 4 }} spacing="md">
        <Figure
          label="People"
          value={formatCount(overview.people)}
          note={`${formatCount(overview.activeToday)} here in the last day${disabled}`}
        />
        <Figure label="Organisations" value={formatCount(overview.organisations)} note="shared ones" />
        <Figure
          label="Messages today"
          value={formatCount(today?.messages ?? 0)}
          note={`${formatCount(today?.tokens ?? 0)} tokens`}
        />
        <Figure label="Cost today" value={money(today?.costMicros ?? 0)} note="of calls with a price" />
      </SimpleGrid>
      <Activity days={overview.days} money={money} />
      <section aria-labelledby="health">
        <Title order={2} id="health" mb="sm">
          Health
        </Title>
        <DataList
          label="Health"
          items={overview.checks.toSorted((a, b) => urgency[a.state] - urgency[b.state])}
          itemKey={(check) => check.name}
          isLoading={false}
          empty={null}
          renderItem={(check) => <CheckRow check={check} />}
        />
      </section>
      <Text size="xs" c="dimmed">
        Bulkhead {overview.version}. Programs read the same from /readyz and /metrics.
      </Text>
    </Stack>
  );
}

const measures = [
  { value: 'messages', label: 'Messages' },
  { value: 'people', label: 'People' },
  { value: 'tokens', label: 'Tokens' },
  { value: 'costMicros', label: 'Cost' },
] as const;
type Measure = (typeof measures)[number]['value'];

interface ActivityProps {
  readonly days: Overview['days'];
  readonly money: (micros: number) => string;
}

function Activity({ days, money }: ActivityProps) {
  const [measure, setMeasure] = useState<Measure>('messages');
  const label = measures.find(({ value }) => value === measure)?.label ?? '';
  return (
    <Card>
      <Group justify="space-between" mb="md">
        <Title order={2}>Last 30 days</Title>
        <SegmentedControl
          aria-label="What the chart shows"
          size="xs"
          data={[...measures]}
          value={measure}
          onChange={(value) => setMeasure(value as Measure)}
        />
      </Group>
      <DayChart
        label={label}
        series={[{ name: measure, label, color: 'tide.5' }]}
        days={days.map((day) => ({ day: day.day, values: { [measure]: day[measure] } }))}
        format={measure === 'costMicros' ? money : formatCount}
      />
    </Card>
  );
}

const tones: Readonly<Record<HealthCheck['state'], Tone>> = {
  ok: 'good',
  degraded: 'warning',
  down: 'bad',
  unknown: 'neutral',
};
/** What needs somebody stands first. */
const urgency: Readonly<Record<HealthCheck['state'], number>> = { down: 0, degraded: 1, unknown: 2, ok: 3 };
const words: Readonly<Record<HealthCheck['state'], string>> = {
  ok: 'Well',
  degraded: 'Needs a look',
  down: 'Down',
  unknown: 'Not known',
};

function CheckRow({ check }: { readonly check: HealthCheck }) {
  return (
    <DataRow
      title={check.title}
      description={check.detail}
      meta={<StatusBadge tone={tones[check.state]}>{words[check.state]}</StatusBadge>}
      below={check.advice}
    />
  );
}
