/** ServerInvitations lists who is invited to this server and which links are open, to send again or revoke; nothing when there are none. */
import { Stack, Title } from '@mantine/core';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { InvitationLine } from '../invitations/invitation-line.tsx';
import { adminApi, type ServerInvitation } from './admin-api.ts';

export function ServerInvitations() {
  const invitations = usePages(adminApi, 'GET /admin/invitations');
  if (invitations.items.length === 0 && !invitations.error) return null;
  return (
    <Stack gap="xs" mb="lg">
      <Title order={2}>Invitations</Title>
      <PagedList
        label="Invitations"
        pages={invitations}
        itemKey={(invitation) => invitation.id}
        empty={null}
        renderItem={(invitation) => <InvitedPerson invitation={invitation} />}
      />
    </Stack>
  );
}

function InvitedPerson({ invitation }: { readonly invitation: ServerInvitation }) {
  const params = { invitationId: invitation.id };
  const resend = useCall(adminApi, 'POST /admin/invitations/{invitationId}/resend');
  const revoke = useCall(adminApi, 'DELETE /admin/invitations/{invitationId}');
  return (
    <InvitationLine
      invitation={invitation}
      mayChange
      whoStays="Who has an account already keeps it."
      resend={() => resend.mutateAsync({ params })}
      revoke={() => revoke.mutateAsync({ params })}
      listKey={keyOf('GET /admin/invitations')}
    />
  );
}
