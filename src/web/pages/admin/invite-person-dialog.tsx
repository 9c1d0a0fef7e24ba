/** InvitePersonDialog lets who runs the server invite people to it. */
import { useQuery } from '@tanstack/react-query';
import { keyOf, useCall } from '../../api-hooks.ts';
import { setupQuery } from '../../session.ts';
import { InvitationDialog } from '../invitations/invitation-dialog.tsx';
import { LinkInvitationForm, MailInvitationForm } from '../invitations/invitation-forms.tsx';
import { adminApi } from './admin-api.ts';

interface InvitePersonDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function InvitePersonDialog({ isOpen, onClose }: InvitePersonDialogProps) {
  return (
    <InvitationDialog
      isOpen={isOpen}
      onClose={onClose}
      title="Invite to this server"
      purpose="Whoever accepts gets an account and an organisation of their own, also where signing up is closed."
      renderMailForm={(onSent) => <MailForm onSent={onSent} />}
      renderLinkForm={(onLink) => <LinkForm onLink={onLink} />}
    />
  );
}

function MailForm({ onSent }: { readonly onSent: () => void }) {
  const setup = useQuery(setupQuery);
  const invite = useCall(adminApi, 'POST /admin/invitations');
  return (
    <MailInvitationForm
      listKey={keyOf('GET /admin/invitations')}
      sendsMail={setup.data?.isMailConfigured ?? true}
      outbox="your outbox"
      description="The link in the mail works once"
      send={({ email, expiresInDays }) => invite.mutateAsync({ body: { email, expiresInDays } })}
      onSent={onSent}
    />
  );
}

function LinkForm({ onLink }: { readonly onLink: (link: string) => void }) {
  const create = useCall(adminApi, 'POST /admin/invitation-links');
  return (
    <LinkInvitationForm
      listKey={keyOf('GET /admin/invitations')}
      purpose="Whoever has the link can make an account here."
      usualUses={1}
      create={({ maxUses, expiresInDays }) => create.mutateAsync({ body: { maxUses, expiresInDays } })}
      onLink={onLink}
    />
  );
}
