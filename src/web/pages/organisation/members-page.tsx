/** Settings: who belongs to the organisation, in which role, and who is invited. */
import { Button, Stack, Title } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconSearch, IconUserPlus, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';
import { usePages } from '../../api-hooks.ts';
import { tenancyApi } from '../../organisation.ts';
import { usePermission, useSession } from '../../session.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { SearchField } from '../../ui/search-field.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { CreateOrganisationDialog } from './create-organisation-dialog.tsx';
import { InviteDialog } from './invite-dialog.tsx';
import { MemberLine } from './member-line.tsx';
import { PendingInvitations } from './pending-invitations.tsx';

export default function MembersPage() {
  const { organisation } = useSession();
  return organisation.isPersonal ? <PersonalMembers /> : <TeamMembers />;
}

/** PersonalMembers says why there is nobody else here, and how to work with others. */
function PersonalMembers() {
  const [isCreating, setCreating] = useState(false);
  return (
    <>
      <PageHeader title="Members" description="Who works here, and in which role." />
      <EmptyState
        icon={IconUsers}
        title="Just you"
        action={
          <Button leftSection={<IconUserPlus size={18} />} onClick={() => setCreating(true)}>
            Create a team organisation
          </Button>
        }
      >
        This is your personal organisation: what you keep here is yours alone, and nobody can be invited. To share
        agents, knowledge and models with others, create a team organisation and invite them there.
      </EmptyState>
      <CreateOrganisationDialog isOpen={isCreating} onClose={() => setCreating(false)} />
    </>
  );
}

function TeamMembers() {
  const mayInvite = usePermission('organisation.invitation.write');
  const maySeeInvitations = usePermission('organisation.invitation.read');
  // Whoever comes to invite, from the command palette, is not asked to find the button.
  const [isInviting, setInviting] = useState(() => mayInvite && new URLSearchParams(location.search).has('invite'));
  return (
    <>
      <PageHeader
        title="Members"
        description="Who works here, and in which role. A change takes effect at once, wherever the person is signed in."
        actions={
          mayInvite ? (
            <Button leftSection={<IconUserPlus size={18} />} onClick={() => setInviting(true)}>
              Invite people
            </Button>
          ) : null
        }
      />
      <Stack gap="xl">
        <MemberList />
        {maySeeInvitations ? (
          <section aria-labelledby="invitations">
            <Title order={2} id="invitations" mb="sm">
              Invitations
            </Title>
            <PendingInvitations onInvite={() => setInviting(true)} />
          </section>
        ) : null}
      </Stack>
      <InviteDialog isOpen={isInviting} onClose={() => setInviting(false)} />
    </>
  );
}

function MemberList() {
  const [search, setSearch] = useState(() => new URLSearchParams(location.search).get('search') ?? '');
  const [asked] = useDebouncedValue(search.trim(), 250);
  const members = usePages(tenancyApi, 'GET /members', { query: asked ? { search: asked } : {} });
  return (
    <Stack gap="sm">
      <SearchField label="Find a member" placeholder="Name or e-mail" value={search} onChange={setSearch} />
      <PagedList
        label="Members"
        pages={members}
        itemKey={(member) => member.id}
        empty={
          <EmptyState icon={IconSearch} title="Nobody found">
            No member’s name or e-mail address contains “{asked}”.
          </EmptyState>
        }
        renderItem={(member) => <MemberLine member={member} />}
      />
    </Stack>
  );
}
