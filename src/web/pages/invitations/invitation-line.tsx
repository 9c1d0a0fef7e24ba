/** InvitationLine is one invitation in a list: whom it is for, until when, and what can be done about it. */
import { notifications } from '@mantine/notifications';
import { IconLink, IconMail } from '@tabler/icons-react';
import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useState } from 'react';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataRow } from '../../ui/data-list.tsx';
import { formatTime } from '../../ui/format.ts';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { InvitationMenu } from './invitation-menu.tsx';

interface Invitation {
  /** Null for a link. */
  readonly email: string | null;
  readonly uses: number;
  readonly maxUses: number;
  readonly isOpen: boolean;
  readonly expiresAt: string;
  readonly invitedBy: string | null;
}

interface InvitationLineProps {
  readonly invitation: Invitation;
  /** The name of the role it gives, where it gives one. */
  readonly roleName?: string;
  readonly mayChange: boolean;
  /** What those keep who came by it, said before it is revoked. */
  readonly whoStays: string;
  readonly resend: () => Promise<unknown>;
  readonly revoke: () => Promise<unknown>;
  /** The list that it stands in. */
  readonly listKey: QueryKey;
}

export function InvitationLine(props: InvitationLineProps) {
  const { invitation, roleName, mayChange, whoStays, listKey } = props;
  const { email, maxUses, isOpen } = invitation;
  const queryClient = useQueryClient();
  const refresh = () => queryClient.invalidateQueries({ queryKey: listKey });
  const [isRevoking, setRevoking] = useState(false);
  const resend = useMutation({
    mutationFn: props.resend,
    onSuccess: async () => {
      notifications.show({ message: `A new invitation is on its way to ${email}. The link before stopped working.` });
      await refresh();
    },
    onError: (error) => notifications.show({ color: 'red', message: error.message }),
  });
  const revoke = useMutation({
    mutationFn: props.revoke,
    onSuccess: async () => {
      setRevoking(false);
      await refresh();
    },
  });
  const name = email ?? `Link for ${maxUses === 1 ? 'one person' : `${maxUses} people`}`;
  return (
    <>
      <DataRow
        icon={email === null ? <IconLink size={22} stroke={1.5} /> : <IconMail size={22} stroke={1.5} />}
        title={name}
        description={describe(invitation, roleName)}
        meta={isOpen ? <StatusBadge tone="good">Open</StatusBadge> : <StatusBadge tone="warning">Over</StatusBadge>}
        actions={
          mayChange ? (
            <InvitationMenu
              name={name}
              isBusy={resend.isPending}
              onResend={email === null ? null : () => resend.mutate()}
              onRevoke={() => setRevoking(true)}
            />
          ) : null
        }
      />
      <ConfirmDialog
        isOpen={isRevoking}
        title={email === null ? 'Revoke this link?' : `Revoke the invitation of ${email}?`}
        confirmLabel="Revoke"
        isBusy={revoke.isPending}
        error={revoke.error}
        onConfirm={() => revoke.mutate()}
        onClose={() => setRevoking(false)}
      >
        It stops working at once. {whoStays}
      </ConfirmDialog>
    </>
  );
}

/** describe says `Member · used 2 of 10 · by Ada · until …`, with a capital whatever comes first. */
function describe({ email, uses, maxUses, invitedBy, expiresAt }: Invitation, roleName?: string): string {
  const used = email === null ? `used ${uses} of ${maxUses}` : null;
  const parts = [roleName, used, `by ${invitedBy ?? 'somebody who left'}`, `until ${formatTime(expiresAt)}`];
  const text = parts.filter(Boolean).join(' · ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}
