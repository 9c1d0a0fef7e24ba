/** Feature flags: what each does, for whom it is on, and which organisations have it another way. */
import { Anchor, Button, Card, Group, NumberInput, SegmentedControl, Select, Stack, Text, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconFlag } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, queryOf, useCall, usePages } from '../../api-hooks.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { adminApi, flagsApi, type Flag } from './admin-api.ts';

export default function FlagsPage() {
  const flags = useQuery(queryOf(flagsApi, 'GET /admin/flags'));
  return (
    <>
      <PageHeader
        title="Flags"
        description="What is switched on here, for everybody, for a share of all organisations, or for single ones. A change counts at once."
      />
      {flags.isPending ? <LoadingRows rows={2} height={160} /> : null}
      {flags.error ? <ErrorState error={flags.error} onRetry={() => void flags.refetch()} /> : null}
      {flags.data?.flags.length === 0 ? (
        <EmptyState icon={IconFlag} title="There are no flags">
          Applications declare them; each installed one brings at least the flag that switches it.
        </EmptyState>
      ) : null}
      <Stack gap="md">
        {flags.data?.flags.map((flag) => (
          <FlagCard key={flag.name} flag={flag} />
        ))}
      </Stack>
    </>
  );
}

type Mode = 'default' | 'on' | 'off' | 'share';

function modeOf({ rolloutPercent }: Flag): Mode {
  if (rolloutPercent === null) return 'default';
  if (rolloutPercent === 0) return 'off';
  return rolloutPercent === 100 ? 'on' : 'share';
}

function useRefresh() {
  const queryClient = useQueryClient();
  return () => {
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/flags') });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/flags/{flagName}/organisations') });
  };
}

function FlagCard({ flag }: { readonly flag: Flag }) {
  const refresh = useRefresh();
  const change = useCall(flagsApi, 'PUT /admin/flags/{flagName}', { onSuccess: refresh });
  const [isSharing, setSharing] = useState(false);
  const [isOpen, setOpen] = useState(false);
  const saved = modeOf(flag);
  const set = (rolloutPercent: number | null) =>
    change.mutate({ params: { flagName: flag.name }, body: { rolloutPercent } });
  const choose = (mode: Mode) => {
    setSharing(mode === 'share');
    if (mode !== 'share') set(mode === 'default' ? null : mode === 'on' ? 100 : 0);
  };
  const mode = isSharing ? 'share' : saved;
  return (
    <Card>
      <Stack gap="sm">
        <Group justify="space-between" align="flex-start" gap="sm">
          <div>
            <Title order={2}>{flag.title}</Title>
            <Text size="sm" c="dimmed">
              {flag.description} <code>{flag.name}</code>
            </Text>
          </div>
          <SegmentedControl
            aria-label={`For whom ${flag.title} is on`}
            size="xs"
            value={mode}
            disabled={change.isPending}
            onChange={(value) => choose(value as Mode)}
            data={[
              { value: 'default', label: `Default (${flag.default ? 'on' : 'off'})` },
              { value: 'on', label: 'On' },
              { value: 'share', label: 'Share' },
              { value: 'off', label: 'Off' },
            ]}
          />
        </Group>
        {mode === 'share' ? (
          <ShareForm
            key={flag.rolloutPercent ?? -1}
            percent={saved === 'share' ? (flag.rolloutPercent ?? 10) : 10}
            isBusy={change.isPending}
            onSave={set}
          />
        ) : null}
        <FormProblem error={change.error} />
        <Group justify="space-between">
          <Text size="xs" c="dimmed">
            {flag.updatedAt ? (
              <>
                Changed <TimeAgo at={flag.updatedAt} />
              </>
            ) : (
              'Never changed here'
            )}
          </Text>
          <Button size="xs" variant="default" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            {flag.exceptions === 1 ? '1 exception' : `${flag.exceptions} exceptions`}
          </Button>
        </Group>
        {isOpen ? <Exceptions flag={flag} /> : null}
      </Stack>
    </Card>
  );
}

interface ShareFormProps {
  readonly percent: number;
  readonly isBusy: boolean;
  readonly onSave: (percent: number) => void;
}

function ShareForm({ isBusy, onSave, percent }: ShareFormProps) {
  const [value, setValue] = useState<number | string>(percent);
  return (
    <Group align="flex-end" gap="xs">
      <NumberInput
        label="Share of all organisations"
        description="Raising it keeps those who have it already"
        suffix=" %"
        min={1}
        max={99}
        allowDecimal={false}
        clampBehavior="strict"
        value={value}
        onChange={setValue}
        w="16rem"
      />
      <Button loading={isBusy} disabled={value === ''} onClick={() => onSave(Number(value))}>
        Save
      </Button>
    </Group>
  );
}

function Exceptions({ flag }: { readonly flag: Flag }) {
  const refresh = useRefresh();
  const params = { flagName: flag.name };
  const list = usePages(flagsApi, 'GET /admin/flags/{flagName}/organisations', { params, query: {} });
  const change = useCall(flagsApi, 'PUT /admin/flags/{flagName}/organisations/{organisationId}', {
    onSuccess: refresh,
  });
  const set = (organisationId: string, isOn: boolean | null) =>
    change.mutate({ params: { ...params, organisationId }, body: { isOn } });
  return (
    <Stack gap="sm">
      <AddException isBusy={change.isPending} onAdd={set} />
      <FormProblem error={change.error} />
      <PagedList
        label={`Organisations that have ${flag.title} another way`}
        pages={list}
        itemKey={(exception) => exception.organisationId}
        empty={
          <Text size="sm" c="dimmed">
            Every organisation has it as set above.
          </Text>
        }
        renderItem={({ isOn, organisationId, organisationName, updatedAt }) => (
          <DataRow
            title={organisationName}
            description={
              <>
                {isOn ? 'On' : 'Off'} · since <TimeAgo at={updatedAt} />
              </>
            }
            actions={
              <Anchor component="button" type="button" size="sm" onClick={() => set(organisationId, null)}>
                Make it like the others
              </Anchor>
            }
          />
        )}
      />
    </Stack>
  );
}

interface AddExceptionProps {
  readonly isBusy: boolean;
  readonly onAdd: (organisationId: string, isOn: boolean) => void;
}

function AddException({ isBusy, onAdd }: AddExceptionProps) {
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState<string | null>(null);
  const [settled] = useDebouncedValue(search.trim(), 250);
  const found = useQuery(
    queryOf(adminApi, 'GET /admin/organisations', { query: { limit: 20, ...(settled ? { search: settled } : {}) } }),
  );
  const options = found.data?.items.map(({ id, name, owners }) => ({
    value: id,
    label: `${name} (${owners[0] ?? '—'})`,
  }));
  return (
    <Group align="flex-end" gap="xs">
      <Select
        label="Organisation"
        placeholder="Name or address"
        searchable
        clearable
        data={options ?? []}
        // The server has searched already.
        filter={({ options: all }) => all}
        nothingFoundMessage={found.isFetching ? 'Looking…' : 'No organisation fits'}
        searchValue={search}
        onSearchChange={setSearch}
        value={chosen}
        onChange={setChosen}
        flex="1 1 16rem"
      />
      {([true, false] as const).map((isOn) => (
        <Button
          key={String(isOn)}
          variant="default"
          disabled={chosen === null}
          loading={isBusy}
          onClick={() => chosen && onAdd(chosen, isOn)}
        >
          {isOn ? 'On for it' : 'Off for it'}
        </Button>
      ))}
    </Group>
  );
}
