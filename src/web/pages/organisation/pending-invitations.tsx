/** PendingInvitations lists who is invited and which links are open, to send again or revoke. */
import { Button } from '@mantine/core';
import { IconMail } from '@tabler/icons-react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import type { ItemOf } from '../../api.ts';
import type { tenancyContract } from '../../../kernel/tenancy/contract.ts';
import { roleNames, tenancyApi } from '../../organisation.ts';
import { useSession } from '../../session.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { InvitationLine } from '../invitations/invitation-line.tsx';

type InvitationRow = ItemOf<(typeof tenancyContract)['GET /invitations']>;

export function PendingInvitations({ onInvite }: { readonly onInvite: () => void }) {
  const invitations = usePages(tenancyApi, 'GET /invitations');
  return (
    <PagedList
      label="Invitations"
      pages={invitations}
      itemKey={(invitation) => invitation.id}
      empty={
        <EmptyState
          icon={IconMail}
          title="Nobody is invited"
          action={
            <Button variant="default" onClick={onInvite}>
              Invite people
            </Button>
          }
        >
          Invite somebody by e-mail, or make a link for several people. Open invitations stand here until they are
          accepted or end.
        </EmptyState>
      }
      renderItem={(invitation) => <PendingInvitation invitation={invitation} />}
    />
  );
}

function PendingInvitation({ invitation }: { readonly invitation: InvitationRow }) {
  const { role: myRole } = useSession();
  const { id, role } = invitation;
  const params = { invitationId: id };
  const resend = useCall(tenancyApi, 'POST /invitations/{invitationId}/resend');
  const revoke = useCall(tenancyApi, 'DELETE /invitations/{invitationId}');
  return (
    <InvitationLine
      invitation={invitation}
      roleName={roleNames[role]}
      mayChange={myRole === 'owner' || role !== 'admin'}
      whoStays="Who has accepted already stays a member."
      resend={() => resend.mutateAsync({ params })}
      revoke={() => revoke.mutateAsync({ params })}
      listKey={keyOf('GET /invitations')}
    />
  );
}
