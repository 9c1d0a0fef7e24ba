/** PricesCard lets owners and admins state what models cost, so that use becomes money. */
import { ActionIcon, Button, Group, Modal, Stack, Text, Title } from '@mantine/core';
import { IconPencil, IconPlus, IconTags } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, usePages } from '../../api-hooks.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { modelsApi } from '../models/models-api.ts';
import { PriceForm } from './price-form.tsx';
import type { Price } from './usage-api.ts';
import { formatMoney } from './usage-format.ts';

export function PricesCard({ currency }: { readonly currency: string }) {
  const prices = usePages(modelsApi, 'GET /model-prices');
  const connections = usePages(modelsApi, 'GET /model-connections');
  const queryClient = useQueryClient();
  const [dialog, setDialog] = useState<{ readonly price: Price | undefined } | null>(null);
  const names = new Map(connections.items.map(({ id, name }) => [id, name]));
  const close = () => setDialog(null);
  const refresh = () => {
    close();
    return queryClient.invalidateQueries({ queryKey: keyOf('GET /model-prices') });
  };
  const addButton = (
    <Button
      size="xs"
      variant="default"
      leftSection={<IconPlus size={16} />}
      onClick={() => setDialog({ price: undefined })}
    >
      State a price
    </Button>
  );
  return (
    <Stack gap="sm" component="section">
      <Group justify="space-between">
        <Title order={2}>Prices of models</Title>
        {prices.items.length > 0 ? addButton : null}
      </Group>
      <PagedList
        label="Prices"
        pages={prices}
        itemKey={({ connectionId, model }) => `${connectionId} ${model}`}
        empty={
          <EmptyState icon={IconTags} title="No prices" action={addButton}>
            State what your provider charges for a model, from its price list. Calls are then counted in {currency};
            until then only their tokens are.
          </EmptyState>
        }
        renderItem={(price) => (
          <DataRow
            title={price.model}
            description={names.get(price.connectionId) ?? ''}
            meta={<PriceFigures price={price} currency={currency} />}
            actions={
              <ActionIcon aria-label={`Change the price of ${price.model}`} onClick={() => setDialog({ price })}>
                <IconPencil size={18} />
              </ActionIcon>
            }
          />
        )}
      />
      <Modal
        opened={dialog !== null}
        onClose={close}
        title={dialog?.price ? `Price of ${dialog.price.model}` : 'State a price'}
      >
        {dialog ? (
          <PriceForm price={dialog.price} currency={currency} onSaved={() => void refresh()} onCancel={close} />
        ) : null}
      </Modal>
    </Stack>
  );
}

function PriceFigures({ currency, price }: { readonly price: Price; readonly currency: string }) {
  return (
    <Text span size="sm">
      {formatMoney(price.inputMicrosPerMillionTokens, currency)} read,{' '}
      {formatMoney(price.outputMicrosPerMillionTokens, currency)} written, per million
    </Text>
  );
}
