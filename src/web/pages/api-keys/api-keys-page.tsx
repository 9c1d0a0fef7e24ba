/** Settings: the keys by which programs act in one's name, and for who watches over them, everybody's. */
import { Anchor, Button, SegmentedControl } from '@mantine/core';
import { IconKey, IconPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { usePermission } from '../../session.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { ApiKeyRow } from './api-key-row.tsx';
import { apiKeysApi, type ApiKey } from './api-keys-api.ts';
import { CreateKeyForm } from './create-key-form.tsx';
import { CurlExample } from './curl-example.tsx';
import { RenameDialog } from './rename-dialog.tsx';
import { SecretDialog } from './shown-once.tsx';

type Dialog = { readonly kind: 'create' } | { readonly kind: 'rename' | 'revoke'; readonly apiKey: ApiKey };
type Owner = 'me' | 'everybody';

export default function ApiKeysPage() {
  const mayManage = usePermission('auth.api-key.manage');
  const [of, setOf] = useState<Owner>('me');
  const keys = usePages(apiKeysApi, 'GET /api-keys', { query: { of } });
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const createButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setDialog({ kind: 'create' })}>
      Make a key
    </Button>
  );
  return (
    <>
      <PageHeader
        title="API keys"
        description="A key lets a program of yours use this server in your name, within the limits you give it."
        actions={createButton}
      />
      {mayManage ? (
        <SegmentedControl
          mb="sm"
          aria-label="Whose keys"
          value={of}
          onChange={(value) => setOf(value as Owner)}
          data={[
            { value: 'me', label: 'My keys' },
            { value: 'everybody', label: 'Everybody’s keys' },
          ]}
        />
      ) : null}
      <PagedList
        label="API keys"
        pages={keys}
        itemKey={(apiKey) => apiKey.id}
        empty={<NoKeys action={createButton} />}
        renderItem={(apiKey) => (
          <ApiKeyRow
            apiKey={apiKey}
            onRename={() => setDialog({ kind: 'rename', apiKey })}
            onRevoke={() => setDialog({ kind: 'revoke', apiKey })}
          />
        )}
      />
      <KeyDialogs dialog={dialog} onClose={() => setDialog(null)} />
    </>
  );
}

function NoKeys({ action }: { readonly action: ReactNode }) {
  return (
    <EmptyState icon={IconKey} title="No keys yet" action={action}>
      Make one for a script, a nightly import or another service. It is sent as a header, like this; what else there is
      to ask stands in the <Anchor href="/reference">API reference</Anchor>.
      <CurlExample />
    </EmptyState>
  );
}

function KeyDialogs({ dialog, onClose }: { readonly dialog: Dialog | null; readonly onClose: () => void }) {
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: keyOf('GET /api-keys') });
  const finish = () => {
    onClose();
    void refresh();
  };
  const revoke = useCall(apiKeysApi, 'DELETE /api-keys/{apiKeyId}', { onSuccess: finish });
  const doomed = dialog?.kind === 'revoke' ? dialog.apiKey : undefined;
  return (
    <>
      <SecretDialog isOpen={dialog?.kind === 'create'} onClose={onClose} title="Make an API key" size="lg">
        {(onMade) => (
          <CreateKeyForm
            onCreated={() => {
              onMade();
              void refresh();
            }}
            onClose={onClose}
          />
        )}
      </SecretDialog>
      {dialog?.kind === 'rename' ? <RenameDialog apiKey={dialog.apiKey} onDone={finish} onClose={onClose} /> : null}
      <ConfirmDialog
        isOpen={doomed !== undefined}
        title={`Revoke ${doomed?.name ?? 'the key'}?`}
        confirmLabel="Revoke"
        isBusy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => doomed && revoke.mutate({ params: { apiKeyId: doomed.id } })}
        onClose={onClose}
      >
        Programs that use it are refused from now on. This cannot be undone; make another key for those that go on.
      </ConfirmDialog>
    </>
  );
}
