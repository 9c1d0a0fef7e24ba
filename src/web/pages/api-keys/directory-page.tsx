/** Settings: the organisation's directory, which lets people in and puts them out by itself (SCIM). */
import { Button, Select, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconPlus, IconSitemap, IconUserPlus, IconUsersGroup } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { useSession } from '../../session.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { CodeBlock } from '../../ui/code-block.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { CreateOrganisationDialog } from '../organisation/create-organisation-dialog.tsx';
import { directoryApi, type DirectoryGroup, type DirectoryToken } from './api-keys-api.ts';
import classes from './api-keys.module.css';
import { NameForm } from './name-form.tsx';
import { SecretDialog, ShownOnce } from './shown-once.tsx';

export default function DirectoryPage() {
  const { organisation } = useSession();
  return organisation.isPersonal ? <PersonalDirectory /> : <TeamDirectory />;
}

const title = 'Directory';
const description =
  'Entra ID, Okta and others let people in and put them out by themselves, by SCIM 2.0, within the domains you have proved.';

/** PersonalDirectory says why nothing can be connected here, and where it can. */
function PersonalDirectory() {
  const [isCreating, setCreating] = useState(false);
  return (
    <>
      <PageHeader title={title} description={description} />
      <EmptyState
        icon={IconSitemap}
        title="No directory can be connected here"
        action={
          <Button leftSection={<IconUserPlus size={18} />} onClick={() => setCreating(true)}>
            Create a team organisation
          </Button>
        }
      >
        This is your personal organisation, which nobody can join. Create a team organisation, and connect the directory
        of its people there.
      </EmptyState>
      <CreateOrganisationDialog isOpen={isCreating} onClose={() => setCreating(false)} />
    </>
  );
}

function TeamDirectory() {
  const tokens = usePages(directoryApi, 'GET /directory/tokens');
  const [isCreating, setCreating] = useState(false);
  const [doomed, setDoomed] = useState<DirectoryToken | null>(null);
  const createButton = (
    <Button leftSection={<IconPlus size={16} />} onClick={() => setCreating(true)}>
      Connect a directory
    </Button>
  );
  return (
    <>
      <PageHeader title={title} description={description} actions={createButton} />
      <PagedList
        label="Tokens of the directory"
        pages={tokens}
        itemKey={(token) => token.id}
        empty={
          <EmptyState icon={IconSitemap} title="No directory is connected" action={createButton}>
            Make a token here and give it to your directory, with the address it is shown with. People whom the
            directory removes lose their membership, sessions, keys and devices at once.
          </EmptyState>
        }
        renderItem={(token) => (
          <DataRow
            icon={<IconSitemap size={22} stroke={1.5} />}
            title={token.name}
            description={
              <>
                connected <TimeAgo at={token.createdAt} />
              </>
            }
            meta={
              <span>
                {token.lastUsedAt ? (
                  <>
                    used <TimeAgo at={token.lastUsedAt} />
                  </>
                ) : (
                  'never used'
                )}
              </span>
            }
            actions={
              <Button size="xs" variant="default" aria-label={`Revoke ${token.name}`} onClick={() => setDoomed(token)}>
                Revoke
              </Button>
            }
          />
        )}
      />
      <Groups />
      <SecretDialog isOpen={isCreating} onClose={() => setCreating(false)} title="Connect a directory">
        {(onMade) => <CreateToken onMade={onMade} onClose={() => setCreating(false)} />}
      </SecretDialog>
      <RevokeToken token={doomed} onClose={() => setDoomed(null)} />
    </>
  );
}

interface CreateTokenProps {
  readonly onMade: () => void;
  readonly onClose: () => void;
}

function CreateToken({ onMade, onClose }: CreateTokenProps) {
  const queryClient = useQueryClient();
  const create = useCall(directoryApi, 'POST /directory/tokens', {
    onSuccess: () => {
      onMade();
      return queryClient.invalidateQueries({ queryKey: keyOf('GET /directory/tokens') });
    },
  });
  if (create.data) {
    return (
      <ShownOnce what="token" secret={create.data.secret} onDone={onClose}>
        Give it to the directory together with this address:
        <div className={classes.example}>
          <CodeBlock>
            <code className="language-url">{`${location.origin}/api/v1/scim/v2`}</code>
          </CodeBlock>
        </div>
      </ShownOnce>
    );
  }
  return (
    <NameForm
      description="Which directory it is for, so that you recognise it later."
      placeholder="Entra ID"
      action="Make the token"
      isBusy={create.isPending}
      error={create.error}
      onSubmit={(name) => create.mutate({ body: { name } })}
      onCancel={onClose}
    />
  );
}

function RevokeToken({ token, onClose }: { readonly token: DirectoryToken | null; readonly onClose: () => void }) {
  const queryClient = useQueryClient();
  const revoke = useCall(directoryApi, 'DELETE /directory/tokens/{directoryTokenId}', {
    onSuccess: async () => {
      onClose();
      await queryClient.invalidateQueries({ queryKey: keyOf('GET /directory/tokens') });
    },
  });
  return (
    <ConfirmDialog
      isOpen={token !== null}
      title={`Revoke ${token?.name ?? 'the token'}?`}
      confirmLabel="Revoke"
      isBusy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => token && revoke.mutate({ params: { directoryTokenId: token.id } })}
      onClose={onClose}
    >
      The directory reaches nobody here any more. Whom it let in stays, until you remove them.
    </ConfirmDialog>
  );
}

const roles = [
  { value: 'none', label: 'No role of its own' },
  { value: 'viewer', label: 'Viewers' },
  { value: 'member', label: 'Members' },
  { value: 'admin', label: 'Admins' },
];

function Groups() {
  const groups = usePages(directoryApi, 'GET /directory/groups');
  const queryClient = useQueryClient();
  const setRole = useCall(directoryApi, 'PATCH /directory/groups/{directoryGroupId}', {
    onSuccess: () => queryClient.invalidateQueries({ queryKey: keyOf('GET /directory/groups') }),
    onError: (error) => notifications.show({ color: 'red', message: error.message }),
  });
  const change = (group: DirectoryGroup, value: string) =>
    setRole.mutate({
      params: { directoryGroupId: group.id },
      body: { role: value === 'none' ? null : (value as NonNullable<DirectoryGroup['role']>) },
    });
  return (
    <section className={classes.section} aria-labelledby="directory-groups">
      <Title order={2} id="directory-groups">
        Groups
      </Title>
      <Text size="sm" c="dimmed" mb="sm">
        Say which group stands for which role. Once one does, the directory decides the roles of all its people: the
        highest of their groups, else member. Owners are yours alone.
      </Text>
      <PagedList
        label="Groups"
        pages={groups}
        itemKey={(group) => group.id}
        empty={
          <EmptyState icon={IconUsersGroup} title="No groups yet">
            They appear here when the directory sends them.
          </EmptyState>
        }
        renderItem={(group) => (
          <DataRow
            icon={<IconUsersGroup size={22} stroke={1.5} />}
            title={group.name}
            hasWideActions
            description={group.memberCount === 1 ? '1 person' : `${group.memberCount} people`}
            actions={
              <Select
                size="xs"
                aria-label={`Role of ${group.name}`}
                data={roles}
                allowDeselect={false}
                disabled={setRole.isPending}
                value={group.role ?? 'none'}
                onChange={(value) => value && change(group, value)}
              />
            }
          />
        )}
      />
    </section>
  );
}
