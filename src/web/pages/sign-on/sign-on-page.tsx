/** Settings: the organisation's own identity provider, its mail domains, and whether members must use it. */
import { Button, Stack } from '@mantine/core';
import { IconKey, IconPlus, IconUserPlus } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { usePermission, useSession } from '../../session.ts';
import { ListDialogs, type ListDialog } from '../../ui/list-dialogs.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { CreateOrganisationDialog } from '../organisation/create-organisation-dialog.tsx';
import { ConnectionCard } from './connection-card.tsx';
import { ConnectionForm } from './connection-form.tsx';
import { signOnApi, type SsoConnection } from './sign-on-api.ts';
import { WaitingDomains } from './waiting-domains.tsx';

type Dialog = ListDialog<SsoConnection>;

export default function SignOnPage() {
  const { isOperator, organisation } = useSession();
  const mayChange = usePermission('sign-on.connection.write');
  const connections = usePages(signOnApi, 'GET /sso-connections');
  const queryClient = useQueryClient();
  const [dialog, setDialog] = useState<Dialog | null>(null);
  const refresh = () => {
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /operator/sso-domains') });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /sso-connections') });
  };
  const finish = () => {
    setDialog(null);
    refresh();
  };
  const addButton =
    mayChange && !organisation.isPersonal ? (
      <Button leftSection={<IconPlus size={16} />} onClick={() => setDialog({ kind: 'add' })}>
        Connect a provider
      </Button>
    ) : null;
  const hasSome = connections.items.length > 0;
  return (
    <>
      <PageHeader
        title="Sign-on"
        description="Let the people of your organisation sign in with the account they have there already."
        actions={hasSome ? addButton : null}
      />
      {connections.isPending ? <LoadingRows rows={2} height={160} /> : null}
      {connections.isError ? <ErrorState error={connections.error} onRetry={() => void connections.refetch()} /> : null}
      {connections.isSuccess && !hasSome && organisation.isPersonal ? <PersonalSignOn /> : null}
      {connections.isSuccess && !hasSome && !organisation.isPersonal ? (
        <EmptyState icon={IconKey} title="No provider is connected" action={addButton}>
          Connect Entra ID, Okta, Keycloak, Google Workspace or any other provider that speaks OpenID Connect or SAML.
          Then prove your mail domain: whoever enters an address of it is led there, and joins this organisation on the
          first visit.
        </EmptyState>
      ) : null}
      <Stack gap="lg">
        {connections.items.map((connection) => (
          <ConnectionCard
            key={connection.id}
            connection={connection}
            mayChange={mayChange}
            onEdit={() => setDialog({ kind: 'edit', entry: connection })}
            onDelete={() => setDialog({ kind: 'delete', entry: connection })}
            onChange={refresh}
          />
        ))}
      </Stack>
      {isOperator ? <WaitingDomains /> : null}
      <Dialogs dialog={dialog} onDone={finish} onClose={() => setDialog(null)} />
    </>
  );
}

/** PersonalSignOn says why nothing can be connected here, and where it can. */
function PersonalSignOn() {
  const [isCreating, setCreating] = useState(false);
  return (
    <>
      <EmptyState
        icon={IconKey}
        title="Nobody else signs in here"
        action={
          <Button leftSection={<IconUserPlus size={18} />} onClick={() => setCreating(true)}>
            Create a team organisation
          </Button>
        }
      >
        This is your personal organisation, which nobody can join. Create a team organisation, and connect the identity
        provider of its people there.
      </EmptyState>
      <CreateOrganisationDialog isOpen={isCreating} onClose={() => setCreating(false)} />
    </>
  );
}

interface DialogsProps {
  readonly dialog: Dialog | null;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function Dialogs({ dialog, onDone, onClose }: DialogsProps) {
  const remove = useCall(signOnApi, 'DELETE /sso-connections/{ssoConnectionId}', { onSuccess: onDone });
  return (
    <ListDialogs
      dialog={dialog}
      onClose={onClose}
      addTitle="Connect a provider"
      editTitle={({ name }) => `Edit ${name}`}
      renderForm={(connection) => (
        <ConnectionForm {...(connection ? { connection } : {})} onSaved={onDone} onCancel={onClose} />
      )}
      deletion={{
        title: ({ name }) => `Disconnect ${name}?`,
        label: 'Disconnect',
        text: 'Nobody can sign in through it any more. People stay members; whoever has no other way in needs a new password by mail. Its domains and its secret are erased.',
        isBusy: remove.isPending,
        error: remove.error,
        onConfirm: ({ id }) => remove.mutate({ params: { ssoConnectionId: id } }),
      }}
    />
  );
}
