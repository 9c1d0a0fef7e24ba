/** UsageGroups shows who and what used how much, as a table that can be taken away as CSV. */
import { Button, Card, Group, Progress, Stack, Table, Tabs, Text, Title } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf } from '../../api-hooks.ts';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { useKeyNames, useSubjectNames } from './subject-names.ts';
import { usageApi, type GroupBy, type UsageGroup } from './usage-api.ts';
import { downloadText, renderCsv } from './usage-csv.ts';
import { formatCount, formatMoney, type DayRange } from './usage-format.ts';
import classes from './usage.module.css';

const labels: Record<GroupBy, string> = {
  model: 'Model',
  subject: 'Agent',
  app: 'Application',
  user: 'Person',
  key: 'API key',
};
const without: Record<GroupBy, string> = {
  model: 'Unknown model',
  subject: 'No agent',
  app: 'Unknown application',
  user: 'The organisation itself',
  key: 'Without a key',
};
const maxGroups = 200;

interface UsageGroupsProps {
  readonly range: DayRange;
  /** True shows everybody's use, by person too. */
  readonly isWhole: boolean;
}

export function UsageGroups({ isWhole, range }: UsageGroupsProps) {
  const [by, setBy] = useState<GroupBy>('model');
  const choices: GroupBy[] = isWhole ? ['model', 'subject', 'app', 'user', 'key'] : ['model', 'subject', 'app'];
  return (
    <Card>
      <Title order={2}>What used it</Title>
      <Tabs value={by} onChange={(value) => setBy((value ?? 'model') as GroupBy)} keepMounted={false} mt="xs">
        <Tabs.List className={classes.tabs}>
          {choices.map((choice) => (
            <Tabs.Tab key={choice} value={choice}>
              {labels[choice]}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {choices.map((choice) => (
          <Tabs.Panel key={choice} value={choice} pt="sm">
            <GroupTable by={choice} range={range} isWhole={isWhole} />
          </Tabs.Panel>
        ))}
      </Tabs>
    </Card>
  );
}

function useGroups(by: GroupBy, { from, to }: DayRange, isWhole: boolean) {
  const query = { from, to, limit: maxGroups };
  const own = by === 'user' || by === 'key' ? 'model' : by;
  const whole = useQuery({ ...queryOf(usageApi, 'GET /usage/groups', { query: { ...query, by } }), enabled: isWhole });
  const mine = useQuery({
    ...queryOf(usageApi, 'GET /usage/mine/groups', { query: { ...query, by: own } }),
    enabled: !isWhole,
  });
  return isWhole ? whole : mine;
}

function GroupTable({ by, isWhole, range }: UsageGroupsProps & { readonly by: GroupBy }) {
  const groups = useGroups(by, range, isWhole);
  const subjects = useSubjectNames(by === 'subject');
  const keys = useKeyNames(by === 'key');
  if (groups.isPending) return <LoadingRows height={40} />;
  if (groups.error) return <ErrorState error={groups.error} onRetry={() => void groups.refetch()} />;
  const { currency, isComplete, items } = groups.data;
  const nameOf = ({ key, name }: UsageGroup) =>
    name ??
    (key === null ? without[by] : (subjects.get(key) ?? keys.get(key) ?? (by === 'user' ? 'Somebody who left' : key)));
  const save = () =>
    downloadText(
      `usage-by-${by}-${range.from}-${range.to}.csv`,
      'text/csv;charset=utf-8',
      renderCsv(labels[by].toLowerCase(), items, nameOf, currency),
    );
  return (
    <Stack gap="sm">
      <section className={classes.scroll} tabIndex={0} aria-label={`Use by ${labels[by].toLowerCase()}`}>
        <GroupRows label={labels[by]} items={items} nameOf={nameOf} currency={currency} />
      </section>
      <Group justify="space-between">
        <Text size="xs" c="dimmed">
          {isComplete ? '' : `The ${maxGroups} dearest are shown.`}
        </Text>
        <Button size="xs" variant="default" leftSection={<IconDownload size={16} />} onClick={save}>
          Export CSV
        </Button>
      </Group>
    </Stack>
  );
}

interface GroupRowsProps {
  readonly label: string;
  readonly items: readonly UsageGroup[];
  readonly nameOf: (group: UsageGroup) => string;
  readonly currency: string;
}

function GroupRows({ currency, items, label, nameOf }: GroupRowsProps) {
  const costs = items.reduce((sum, { costMicros }) => sum + costMicros, 0);
  const tokensOf = (group: UsageGroup) => group.inputTokens + group.outputTokens;
  const tokens = items.reduce((sum, group) => sum + tokensOf(group), 0);
  const shareOf = (group: UsageGroup) =>
    costs > 0 ? group.costMicros / costs : tokens > 0 ? tokensOf(group) / tokens : 0;
  return (
    <Table verticalSpacing="xs" className={classes.table}>
      <Table.Thead>
        <Table.Tr>
          <Table.Th>{label}</Table.Th>
          <Table.Th className={classes.number}>Cost</Table.Th>
          <Table.Th className={classes.share}>Share</Table.Th>
          <Table.Th className={classes.number}>Tokens</Table.Th>
          <Table.Th className={classes.cached}>From cache</Table.Th>
          <Table.Th className={classes.number}>Calls</Table.Th>
        </Table.Tr>
      </Table.Thead>
      <Table.Tbody>
        {items.map((group) => (
          <Table.Tr key={group.key ?? ''}>
            <Table.Td className={classes.name}>{nameOf(group)}</Table.Td>
            <Table.Td className={classes.number}>
              {group.unpricedCalls === group.calls ? 'no price' : formatMoney(group.costMicros, currency)}
            </Table.Td>
            <Table.Td className={classes.share}>
              <Progress
                value={shareOf(group) * 100}
                size="sm"
                aria-label={`${nameOf(group)}: ${Math.round(shareOf(group) * 100)} %`}
              />
            </Table.Td>
            <Table.Td className={classes.number}>{formatCount(tokensOf(group))}</Table.Td>
            <Table.Td className={classes.cached}>{formatCount(group.cachedInputTokens)}</Table.Td>
            <Table.Td className={classes.number}>{formatCount(group.calls)}</Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
