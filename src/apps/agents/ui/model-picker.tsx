/** ModelPicker chooses connection and model, says honestly what the offline model is, and tries the choice out. */
import { Alert, Anchor, Autocomplete, Button, Group, Select, Stack, Text } from '@mantine/core';
import { IconQuote } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queryOf, useCall, usePages } from '#web/api-hooks.ts';
import { modelsApi, type Connection } from '#web/pages/models/models-api.ts';
import { TestResult } from '#web/pages/models/test-result.tsx';
import { usePermission } from '#web/session.ts';
import type { AgentFormApi } from './agent-form.tsx';
import { offlineModel } from './agent-values.ts';
import classes from './agents.module.css';

const offlineValue = 'offline';

/** useConnections are the model connections to choose from. */
export function useConnections() {
  return usePages(modelsApi, 'GET /model-connections', { query: { limit: 100 } });
}

/** defaultModelOf is what a new agent starts with: the connection offered first, if its model is known, else the offline model. */
export function defaultModelOf(connections: readonly Connection[]) {
  const first = connections.find((connection) => connection.isDefault) ?? connections.find(({ id }) => id !== null);
  return first?.id && first.defaultModel ? { connectionId: first.id, model: first.defaultModel } : offlineModel;
}

export function ModelPicker({ form }: { readonly form: AgentFormApi }) {
  const connections = useConnections();
  const { connectionId, model } = form.values.model;
  const choose = (value: string | null) => {
    const next = connections.items.find((connection) => connection.id === value);
    form.setFieldValue('model', next?.id ? { connectionId: next.id, model: next.defaultModel ?? '' } : offlineModel);
  };
  const mayConnect = usePermission('models.connection.write');
  return (
    <fieldset className={classes.section}>
      <legend>Model</legend>
      <Stack gap="sm">
        <div className={classes.columns}>
          <Select
            label="Connection"
            description="Where the model runs."
            data={optionsOf(connections.items, connectionId)}
            value={connectionId ?? offlineValue}
            onChange={choose}
            error={connections.error?.message}
          />
          {connectionId ? <ModelName key={connectionId} connectionId={connectionId} form={form} /> : null}
        </div>
        {connectionId ? null : <OfflineNote />}
        <Group gap="sm" justify="space-between">
          {connectionId && mayConnect ? <TestButton connectionId={connectionId} model={model} /> : <span />}
          {mayConnect ? (
            <Anchor component={Link} to="/settings/models" size="sm">
              Add a connection
            </Anchor>
          ) : null}
        </Group>
      </Stack>
    </fieldset>
  );
}

/** A connection that is gone keeps its place in the list, so that the form does not silently change the choice. */
function optionsOf(connections: readonly Connection[], chosen: string | null) {
  const options = connections
    .filter((connection) => connection.id !== null)
    .map(({ id, name }) => ({ value: id ?? '', label: name }));
  const isKnown = chosen === null || options.some(({ value }) => value === chosen);
  return [
    { value: offlineValue, label: 'Offline (built in)' },
    ...options,
    ...(isKnown ? [] : [{ value: chosen, label: 'A connection that was removed' }]),
  ];
}

function ModelName({ connectionId, form }: { readonly connectionId: string; readonly form: AgentFormApi }) {
  const offered = useQuery({
    ...queryOf(modelsApi, 'GET /model-connections/{connectionId}/models', { params: { connectionId } }),
    retry: false,
    staleTime: 60_000,
  });
  const models = [...new Set(offered.data?.models ?? [])];
  return (
    <Autocomplete
      label="Model"
      required
      description={describeOffer(models.length, offered.isPending, offered.isError)}
      data={models}
      limit={100}
      maxDropdownHeight={320}
      {...form.getInputProps('model.model')}
    />
  );
}

function describeOffer(count: number, isLoading: boolean, isFailed: boolean): string {
  if (isLoading) return 'Asking which models it offers…';
  if (isFailed || count === 0) return 'It does not say which models it offers; write the name.';
  return `${count} offered; any other name may be written.`;
}

function OfflineNote() {
  return (
    <Alert variant="light" color="gray" icon={<IconQuote size={18} />} py="xs">
      <Text size="sm">
        No language model: answers are the passages of this agent’s documents that fit the question best, quoted word
        for word. Nothing leaves this server. Instructions and tone have no effect.
      </Text>
    </Alert>
  );
}

function TestButton({ connectionId, model }: { readonly connectionId: string; readonly model: string }) {
  const test = useCall(modelsApi, 'POST /model-connections/{connectionId}/test');
  const isOfThisChoice =
    test.variables?.params.connectionId === connectionId && test.variables.body?.model === model.trim();
  return (
    <Group gap="sm">
      <Button
        size="xs"
        variant="default"
        loading={test.isPending}
        disabled={model.trim() === ''}
        onClick={() => test.mutate({ params: { connectionId }, body: { model: model.trim() } })}
      >
        Test
      </Button>
      {isOfThisChoice ? <TestResult outcome={test.data} error={test.error} /> : null}
    </Group>
  );
}
