/** ConnectionForm adds or changes a model connection; keys go in and never come out (K9.1), a test tries before saving. */
import {
  Autocomplete,
  Button,
  Group,
  NumberInput,
  PasswordInput,
  Select,
  Stack,
  Switch,
  TextInput,
} from '@mantine/core';
import { useForm, type UseFormReturnType } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf, useCall } from '../../api-hooks.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { connectionPresets, findPreset, needsKey, type ConnectionPreset } from './connection-presets.ts';
import { modelsApi, type Connection } from './models-api.ts';
import { TestResult } from './test-result.tsx';

interface ConnectionFormProps {
  /** Absent to add a new one. */
  readonly connection?: Connection & { readonly id: string };
  readonly onSaved: () => void;
  readonly onCancel: () => void;
}

interface Values {
  presetId: string;
  name: string;
  baseUrl: string;
  apiKey: string;
  defaultModel: string;
  contextWindowTokens: number | '';
  isDefault: boolean;
}

export function ConnectionForm({ connection, onSaved, onCancel }: ConnectionFormProps) {
  const form = useForm<Values>({ initialValues: initialValues(connection) });
  const { preset, problem, save, test, isSaving } = useConnectionForm(form, connection, onSaved);
  const offered = useQuery({
    ...queryOf(modelsApi, 'GET /model-connections/{connectionId}/models', {
      params: { connectionId: connection?.id ?? '' },
    }),
    enabled: connection !== undefined,
    retry: false,
  });
  return (
    <form onSubmit={form.onSubmit(() => save())}>
      <Stack gap="sm">
        {connection ? null : <ProviderSelect form={form} preset={preset} />}
        <TextInput label="Name" required {...form.getInputProps('name')} />
        <TextInput
          label="Address"
          type="url"
          required={preset.kind === 'openai-compatible'}
          placeholder={preset.kind === 'openai-compatible' ? 'https://…/v1' : 'The provider’s own'}
          {...form.getInputProps('baseUrl')}
        />
        <PasswordInput
          label="Key"
          autoComplete="off"
          required={!connection && needsKey(preset)}
          placeholder={connection?.hasKey ? `•••• ${connection.keyLastFour ?? ''} (leave empty to keep it)` : ''}
          description={keyHint(preset)}
          {...form.getInputProps('apiKey')}
        />
        <Autocomplete
          label="Model offered first"
          description="Empty: the first one the endpoint lists."
          data={[...new Set(offered.data?.models ?? [])]}
          limit={50}
          {...form.getInputProps('defaultModel')}
        />
        <NumberInput
          label="Context window, in tokens"
          description="Empty: a safe value for the provider."
          min={512}
          max={10_000_000}
          thousandSeparator=" "
          hideControls
          {...form.getInputProps('contextWindowTokens')}
        />
        <Switch label="Offer first to new agents" {...form.getInputProps('isDefault', { type: 'checkbox' })} />
        <TestResult outcome={test.data} error={test.error} />
        <FormProblem error={problem} />
        <Group justify="space-between" gap="xs">
          <Button
            variant="default"
            loading={test.isPending}
            onClick={() => test.mutate(draftOf(form.values, preset, connection))}
          >
            Test
          </Button>
          <Group gap="xs">
            <Button variant="subtle" color="gray" onClick={onCancel}>
              Cancel
            </Button>
            <Button type="submit" loading={isSaving}>
              {connection ? 'Save' : 'Add'}
            </Button>
          </Group>
        </Group>
      </Stack>
    </form>
  );
}

function useConnectionForm(
  form: UseFormReturnType<Values>,
  connection: ConnectionFormProps['connection'],
  onSaved: () => void,
) {
  const preset = connectionPresets.find((candidate) => candidate.id === form.values.presetId) ?? otherPreset;
  const [problem, setProblem] = useState<unknown>(null);
  const options = {
    onMutate: () => setProblem(null),
    onSuccess: onSaved,
    onError: (error: Parameters<typeof showFieldErrors>[1]) => setProblem(showFieldErrors(form, error)),
  };
  const create = useCall(modelsApi, 'POST /model-connections', options);
  const update = useCall(modelsApi, 'PATCH /model-connections/{connectionId}', options);
  const test = useCall(modelsApi, 'POST /model-connections/test');
  const save = () => {
    const { name, baseUrl, apiKey, defaultModel, contextWindowTokens, isDefault } = form.values;
    const body = {
      name,
      ...(baseUrl ? { baseUrl } : {}),
      ...(apiKey ? { apiKey } : {}),
      defaultModel: defaultModel || null,
      contextWindowTokens: contextWindowTokens || null,
      isDefault,
    };
    if (connection) update.mutate({ params: { connectionId: connection.id }, body });
    else create.mutate({ body: { kind: preset.kind, ...body } });
  };
  return { preset, problem, save, test, isSaving: create.isPending || update.isPending };
}

const otherPreset = connectionPresets.at(-1) as ConnectionPreset;

function initialValues(connection: Connection | undefined): Values {
  const preset = connection
    ? (findPreset(connection.kind, connection.baseUrl) ?? otherPreset)
    : (connectionPresets[0] ?? otherPreset);
  return {
    presetId: preset.id,
    name: connection?.name ?? preset.label,
    baseUrl: connection ? (connection.baseUrl ?? '') : preset.baseUrl,
    apiKey: '',
    defaultModel: connection?.defaultModel ?? '',
    contextWindowTokens: connection?.contextWindowTokens ?? '',
    isDefault: connection?.isDefault ?? false,
  };
}

function draftOf(
  { baseUrl, apiKey, defaultModel }: Values,
  preset: ConnectionPreset,
  connection?: { readonly id: string },
) {
  return {
    body: {
      kind: preset.kind,
      ...(baseUrl ? { baseUrl } : {}),
      ...(apiKey ? { apiKey } : {}),
      ...(connection ? { connectionId: connection.id } : {}),
      ...(defaultModel ? { model: defaultModel } : {}),
    },
  };
}

function keyHint({ keyPage }: ConnectionPreset): string {
  const source = keyPage ? `Made at ${keyPage}. ` : '';
  return `${source}Kept encrypted; only its last four characters are ever shown.`;
}

/** ProviderSelect fills in name and address, unless the person has written others. */
function ProviderSelect({
  form,
  preset,
}: {
  readonly form: UseFormReturnType<Values>;
  readonly preset: ConnectionPreset;
}) {
  const choose = (id: string | null) => {
    const next = connectionPresets.find((candidate) => candidate.id === id);
    if (!next) return;
    const { name } = form.values;
    const isOwnName = name !== '' && name !== preset.label;
    form.setValues({
      presetId: next.id,
      baseUrl: next.baseUrl,
      name: isOwnName ? name : next === otherPreset ? '' : next.label,
    });
  };
  return (
    <Select
      label="Provider"
      description={preset.hint}
      data={connectionPresets.map(({ id, label }) => ({ value: id, label }))}
      value={preset.id}
      onChange={choose}
    />
  );
}
