/** Settings: the models an organisation may use, by connection. */
import { Button } from '@mantine/core';
import { IconPlugConnected, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { useSession } from '../../session.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { ListDialogs, type ListDialog } from '../../ui/list-dialogs.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { ConnectionForm } from './connection-form.tsx';
import { ConnectionRow } from './connection-row.tsx';
import { DiscoveredEndpoints } from './discovered-endpoints.tsx';
import { modelsApi, type Connection } from './models-api.ts';

type Saved = Connection & { readonly id: string };
type Dialog = ListDialog<Saved>;

export default function ModelsPage() {
  const { role } = useSession();
  const mayChange = role === 'owner' || role === 'admin';
  const connections = usePages(modelsApi, 'GET /model-connections');
  const queryClient = useQueryClient();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const refresh = () => {
    setDialog(null);
    return queryClient.invalidateQueries({ queryKey: keyOf('GET /model-connections') });
  };
  const addButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setDialog({ kind: 'add' })}>
      Add a connection
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Models"
        description="Where the applications get their language models: a provider with a key, or a program on your own machine."
        actions={mayChange ? addButton : null}
      />
      {mayChange && connections.isSuccess ? (
        <DiscoveredEndpoints connections={connections.items} onConnected={() => void refresh()} />
      ) : null}
      <PagedList
        label="Model connections"
        pages={connections}
        itemKey={(connection) => connection.id ?? 'offline'}
        empty={
          <EmptyState icon={IconPlugConnected} title="No model connections" action={mayChange ? addButton : null}>
            Connect a provider such as OpenAI, or an Ollama on your own machine.
          </EmptyState>
        }
        renderItem={(connection) => (
          <ConnectionRow
            connection={connection}
            mayChange={mayChange}
            onEdit={() => isSaved(connection) && setDialog({ kind: 'edit', entry: connection })}
            onDelete={() => isSaved(connection) && setDialog({ kind: 'delete', entry: connection })}
          />
        )}
      />
      <ConnectionDialogs dialog={dialog} onDone={() => void refresh()} onClose={() => setDialog(null)} />
    </>
  );
}

function isSaved(connection: Connection): connection is Saved {
  return connection.id !== null;
}

interface ConnectionDialogsProps {
  readonly dialog: Dialog | null;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function ConnectionDialogs({ dialog, onDone, onClose }: ConnectionDialogsProps) {
  const remove = useCall(modelsApi, 'DELETE /model-connections/{connectionId}', { onSuccess: onDone });
  return (
    <ListDialogs
      dialog={dialog}
      onClose={onClose}
      addTitle="Add a model connection"
      editTitle={({ name }) => `Edit ${name}`}
      renderForm={(connection) => (
        <ConnectionForm {...(connection ? { connection } : {})} onSaved={onDone} onCancel={onClose} />
      )}
      deletion={{
        title: ({ name }) => `Delete ${name}?`,
        label: 'Delete',
        text: 'Its key is erased. Agents that use its models cannot answer until they are given another one.',
        isBusy: remove.isPending,
        error: remove.error,
        onConfirm: ({ id }) => remove.mutate({ params: { connectionId: id } }),
      }}
    />
  );
}
