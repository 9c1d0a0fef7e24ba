/** InviteDialog invites people to the organisation, each with a role. */
import { useQuery } from '@tanstack/react-query';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { roleMeanings, roleNames, tenancyApi } from '../../organisation.ts';
import { useSession } from '../../session.ts';
import { InvitationDialog } from '../invitations/invitation-dialog.tsx';
import { LinkInvitationForm, MailInvitationForm } from '../invitations/invitation-forms.tsx';

type GivenRole = 'admin' | 'member' | 'viewer';

export function InviteDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }) {
  return (
    <InvitationDialog
      isOpen={isOpen}
      onClose={onClose}
      title="Invite people"
      renderMailForm={(onSent) => <MailForm onSent={onSent} />}
      renderLinkForm={(onLink) => <LinkForm onLink={onLink} />}
    />
  );
}

/** useRoleChoices lists the roles that one may give. */
function useRoleChoices() {
  const { role } = useSession();
  const roles: readonly GivenRole[] = role === 'owner' ? ['member', 'viewer', 'admin'] : ['member', 'viewer'];
  return roles.map((value) => ({ value, label: `${roleNames[value]}: ${roleMeanings[value].toLowerCase()}` }));
}

function MailForm({ onSent }: { readonly onSent: () => void }) {
  const organisation = useQuery(queryOf(tenancyApi, 'GET /organisation'));
  const roles = useRoleChoices();
  const invite = useCall(tenancyApi, 'POST /invitations');
  return (
    <MailInvitationForm
      roles={roles}
      listKey={keyOf('GET /invitations')}
      sendsMail={organisation.data?.sendsMail ?? true}
      outbox="the outbox of who runs the server"
      description="Who is new here makes an account with the link in the mail"
      send={({ email, role, expiresInDays }) =>
        invite.mutateAsync({ body: { email, role: role as GivenRole, expiresInDays } })
      }
      onSent={onSent}
    />
  );
}

function LinkForm({ onLink }: { readonly onLink: (link: string) => void }) {
  const roles = useRoleChoices();
  const create = useCall(tenancyApi, 'POST /invitation-links');
  return (
    <LinkInvitationForm
      roles={roles}
      listKey={keyOf('GET /invitations')}
      purpose="Whoever has the link can join."
      usualUses={10}
      create={({ role, maxUses, expiresInDays }) =>
        create.mutateAsync({ body: { role: role as GivenRole, maxUses, expiresInDays } })
      }
      onLink={onLink}
    />
  );
}
