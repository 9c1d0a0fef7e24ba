/** PriceForm states what a model costs, as price lists do: per million tokens, in whole units of the currency. */
import { Autocomplete, Button, Group, NumberInput, Select, SimpleGrid, Stack } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf, useCall, usePages } from '../../api-hooks.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { modelsApi } from '../models/models-api.ts';
import type { Price } from './usage-api.ts';

interface PriceFormProps {
  /** Absent: of another model. */
  readonly price: Price | undefined;
  readonly currency: string;
  readonly onSaved: () => void;
  readonly onCancel: () => void;
}

type Amount = number | string;

interface Values {
  connectionId: string;
  model: string;
  input: Amount;
  cachedInput: Amount;
  cacheWriteInput: Amount;
  output: Amount;
}

const millionths = 1_000_000;
const toAmount = (micros: number | null | undefined): Amount => (micros == null ? '' : micros / millionths);
const toMicros = (amount: Amount): number => Math.round(Number(amount) * millionths);

function toValues(price: Price | undefined): Values {
  return {
    connectionId: price?.connectionId ?? '',
    model: price?.model ?? '',
    input: toAmount(price?.inputMicrosPerMillionTokens),
    cachedInput: toAmount(price?.cachedInputMicrosPerMillionTokens),
    cacheWriteInput: toAmount(price?.cacheWriteInputMicrosPerMillionTokens),
    output: toAmount(price?.outputMicrosPerMillionTokens),
  };
}

function toBody({ cachedInput, cacheWriteInput, connectionId, input, model, output }: Values): Price {
  return {
    connectionId,
    model: model.trim(),
    inputMicrosPerMillionTokens: toMicros(input),
    // A provider without a price for it charges what is read from a cache as everything else.
    cachedInputMicrosPerMillionTokens: toMicros(cachedInput === '' ? input : cachedInput),
    cacheWriteInputMicrosPerMillionTokens: cacheWriteInput === '' ? null : toMicros(cacheWriteInput),
    outputMicrosPerMillionTokens: toMicros(output),
  };
}

const needed = (value: Amount) => (value === '' ? 'Needed; 0 if it is free.' : null);

export function PriceForm({ currency, onCancel, onSaved, price }: PriceFormProps) {
  const form = useForm<Values>({
    initialValues: toValues(price),
    validate: {
      connectionId: (value) => (value ? null : 'Choose a connection.'),
      model: (value) => (value.trim() ? null : 'Name the model as the provider does.'),
      input: needed,
      output: needed,
    },
  });
  const [problem, setProblem] = useState<unknown>(null);
  const save = useCall(modelsApi, 'PUT /model-prices', {
    onMutate: () => setProblem(null),
    onSuccess: onSaved,
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  const amount = {
    min: 0,
    max: 1_000_000,
    decimalScale: 6,
    thousandSeparator: ',',
    leftSection: currency,
    leftSectionWidth: 48,
  };
  return (
    <form onSubmit={form.onSubmit((values) => save.mutate({ body: toBody(values) }))}>
      <Stack gap="sm">
        {price ? null : (
          <ModelFields
            connectionId={form.values.connectionId}
            connection={form.getInputProps('connectionId')}
            model={form.getInputProps('model')}
          />
        )}
        <SimpleGrid cols={{ base: 1, xs: 2 }} spacing="sm">
          <NumberInput label="Read, per million tokens" required {...amount} {...form.getInputProps('input')} />
          <NumberInput label="Written, per million tokens" required {...amount} {...form.getInputProps('output')} />
          <NumberInput
            label="Read from a cache"
            description="Empty: as other reading"
            {...amount}
            {...form.getInputProps('cachedInput')}
          />
          <NumberInput
            label="Written to a cache"
            description="Empty: as other reading"
            {...amount}
            {...form.getInputProps('cacheWriteInput')}
          />
        </SimpleGrid>
        <FormProblem error={problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={save.isPending}>
            Save
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface ModelFieldsProps {
  readonly connectionId: string;
  /** What the form binds to the fields. */
  readonly connection: object;
  readonly model: object;
}

function ModelFields({ connection, connectionId, model }: ModelFieldsProps) {
  const connections = usePages(modelsApi, 'GET /model-connections');
  const offered = useQuery({
    ...queryOf(modelsApi, 'GET /model-connections/{connectionId}/models', { params: { connectionId } }),
    enabled: connectionId !== '',
    retry: false,
  });
  const choices = connections.items.flatMap(({ id, name }) => (id === null ? [] : [{ value: id, label: name }]));
  return (
    <>
      <Select
        label="Connection"
        required
        data={choices}
        nothingFoundMessage="No connections yet. Add one under Models."
        {...connection}
      />
      <Autocomplete label="Model" required data={[...new Set(offered.data?.models)]} limit={50} {...model} />
    </>
  );
}
