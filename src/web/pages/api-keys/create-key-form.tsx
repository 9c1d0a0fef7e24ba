/** CreateKeyForm asks what a key is for, what it may do, for how long and from where; then shows it, once. */
import { Button, Group, NumberInput, Select, Stack, Textarea, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf, useCall } from '../../api-hooks.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { apiKeysApi } from './api-keys-api.ts';
import { CurlExample } from './curl-example.tsx';
import { ScopePicker } from './scope-picker.tsx';
import { ShownOnce } from './shown-once.tsx';

interface Values {
  name: string;
  scopes: string[];
  lifetimeDays: string;
  addressAllowList: string;
  requestsPerMinute: number | string;
}

const lifetimes = [
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: 'One year' },
  { value: '', label: 'It does not expire' },
];

const dayMilliseconds = 86_400_000;

/** readInput turns the form into what the operation takes. */
function readInput(values: Values) {
  const networks = values.addressAllowList.split(/[\s,]+/).filter(Boolean);
  return {
    name: values.name,
    scopes: values.scopes,
    addressAllowList: networks,
    requestsPerMinute: Number(values.requestsPerMinute),
    ...(values.lifetimeDays
      ? { expiresAt: new Date(Date.now() + Number(values.lifetimeDays) * dayMilliseconds).toISOString() }
      : {}),
  };
}

interface CreateKeyFormProps {
  readonly onCreated: () => void;
  readonly onClose: () => void;
}

export function CreateKeyForm({ onCreated, onClose }: CreateKeyFormProps) {
  const [problem, setProblem] = useState<unknown>(null);
  const scopes = useQuery(queryOf(apiKeysApi, 'GET /api-key-scopes'));
  const form = useForm<Values>({
    initialValues: { name: '', scopes: [], lifetimeDays: '90', addressAllowList: '', requestsPerMinute: 600 },
    validate: { scopes: (chosen) => (chosen.length === 0 ? 'Choose at least one.' : null) },
  });
  const create = useCall(apiKeysApi, 'POST /api-keys', {
    onMutate: () => setProblem(null),
    onSuccess: onCreated,
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  if (create.data) {
    return (
      <ShownOnce what="key" secret={create.data.secret} onDone={onClose}>
        Try it: this tells who the key acts for and what it may do.
        <CurlExample secret={create.data.secret} />
      </ShownOnce>
    );
  }
  if (scopes.isPending) return <LoadingRows />;
  if (scopes.error) return <ErrorState error={scopes.error} onRetry={() => void scopes.refetch()} />;
  const errorOf = (field: string): string | undefined => {
    const found = Object.entries(form.errors).find(([path]) => path === field || path.startsWith(`${field}.`));
    return typeof found?.[1] === 'string' ? found[1] : undefined;
  };
  return (
    <form onSubmit={form.onSubmit((values) => create.mutate({ body: readInput(values) }))}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          description="What it is for, so that you recognise it later."
          placeholder="Nightly import"
          required
          maxLength={80}
          autoFocus // the dialog has taken its focus before the scopes were there
          {...form.getInputProps('name')}
        />
        <ScopePicker
          scopes={scopes.data.scopes}
          chosen={form.values.scopes}
          onChange={(chosen) => form.setFieldValue('scopes', chosen)}
          error={errorOf('scopes')}
        />
        <Group grow align="flex-start" preventGrowOverflow={false}>
          <Select
            label="Expires after"
            data={lifetimes}
            allowDeselect={false}
            {...form.getInputProps('lifetimeDays')}
          />
          <NumberInput
            label="Requests per minute"
            required
            min={1}
            max={6_000}
            allowDecimal={false}
            {...form.getInputProps('requestsPerMinute')}
          />
        </Group>
        <Textarea
          label="Only from these networks"
          description="One address or network per line, such as 203.0.113.0/24. Empty: from everywhere."
          autosize
          minRows={1}
          maxRows={5}
          {...form.getInputProps('addressAllowList')}
          error={errorOf('addressAllowList')}
        />
        <FormProblem error={problem} />
        <Group justify="flex-end" gap="xs">
          <Button variant="subtle" color="gray" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={create.isPending}>
            Make the key
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
