/** MemberLine is one person, with what the one who looks may do about them. */
import { ActionIcon, Menu, Radio, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconCrown, IconDots, IconUserMinus, IconUserShield } from '@tabler/icons-react';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { EmailAddress } from '../../ui/email-address.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { roleMeanings, roleNames, tenancyApi } from '../../organisation.ts';
import { usePermission, useSession } from '../../session.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataRow } from '../../ui/data-list.tsx';
import { PersonPicture } from '../../ui/person-picture.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import classes from './organisation.module.css';
import { MakeOwnerDialog } from './make-owner-dialog.tsx';
import { useRefreshMembers, type MemberRow } from './use-refresh-members.ts';

type GivenRole = 'admin' | 'member' | 'viewer';

export function MemberLine({ member }: { readonly member: MemberRow }) {
  const { role: myRole } = useSession();
  const mayWrite = usePermission('organisation.member.write');
  const [dialog, setDialog] = useState<'role' | 'remove' | 'owner' | null>(null);
  const isAbove = member.role === 'owner' || member.role === 'admin';
  const mayManage = mayWrite && !member.isMe && (myRole === 'owner' || !isAbove);
  const mayMakeOwner = myRole === 'owner' && member.role !== 'owner' && !member.isMe;
  const close = () => setDialog(null);
  return (
    <>
      <DataRow
        icon={<PersonPicture name={member.name} pictureUrl={member.pictureUrl} />}
        title={
          <>
            {member.name}
            {member.isMe ? (
              <Text span c="dimmed" size="sm">
                {' (you)'}
              </Text>
            ) : null}
          </>
        }
        description={<EmailAddress address={member.email} />}
        meta={
          <>
            <span>
              joined <TimeAgo at={member.joinedAt} />
            </span>
            <Text span className={classes.role}>
              <StatusBadge tone={isAbove ? 'accent' : 'neutral'}>{roleNames[member.role]}</StatusBadge>
            </Text>
          </>
        }
        actions={
          mayManage ? (
            <Menu position="bottom-end" shadow="md">
              <Menu.Target>
                <ActionIcon aria-label={`Actions for ${member.name}`}>
                  <IconDots size={20} />
                </ActionIcon>
              </Menu.Target>
              <Menu.Dropdown>
                <Menu.Item leftSection={<IconUserShield size={17} />} onClick={() => setDialog('role')}>
                  Change role
                </Menu.Item>
                {mayMakeOwner ? (
                  <Menu.Item leftSection={<IconCrown size={17} />} onClick={() => setDialog('owner')}>
                    Make owner
                  </Menu.Item>
                ) : null}
                <Menu.Divider />
                <Menu.Item color="red" leftSection={<IconUserMinus size={17} />} onClick={() => setDialog('remove')}>
                  Remove
                </Menu.Item>
              </Menu.Dropdown>
            </Menu>
          ) : mayWrite ? null : undefined
        }
      />
      {mayManage ? <RoleDialog member={member} isOpen={dialog === 'role'} onClose={close} /> : null}
      {mayManage ? <RemoveDialog member={member} isOpen={dialog === 'remove'} onClose={close} /> : null}
      {mayMakeOwner ? <MakeOwnerDialog member={member} isOpen={dialog === 'owner'} onClose={close} /> : null}
    </>
  );
}

interface DialogProps {
  readonly member: MemberRow;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

function RoleDialog({ member, isOpen, onClose }: DialogProps) {
  const { role: myRole } = useSession();
  const refresh = useRefreshMembers();
  const [role, setRole] = useState<string>(member.role);
  const change = useCall(tenancyApi, 'PATCH /members/{memberId}', {
    onSuccess: async (changed) => {
      onClose();
      notifications.show({ message: `The role of ${changed.name} is ${roleNames[changed.role].toLowerCase()} now.` });
      await refresh();
    },
  });
  const roles: readonly GivenRole[] = myRole === 'owner' ? ['admin', 'member', 'viewer'] : ['member', 'viewer'];
  return (
    <ConfirmDialog
      isOpen={isOpen}
      title={`Role of ${member.name}`}
      confirmLabel="Change the role"
      isReversible
      isBusy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate({ params: { memberId: member.id }, body: { role: role as GivenRole } })}
      onClose={onClose}
    >
      <Radio.Group label="It takes effect at once" value={role} onChange={setRole}>
        <Stack gap="xs" mt="xs">
          {roles.map((name) => (
            <Radio key={name} value={name} label={roleNames[name]} description={roleMeanings[name]} />
          ))}
        </Stack>
      </Radio.Group>
    </ConfirmDialog>
  );
}

function RemoveDialog({ member, isOpen, onClose }: DialogProps) {
  const refresh = useRefreshMembers();
  const remove = useCall(tenancyApi, 'DELETE /members/{memberId}', {
    onSuccess: async () => {
      onClose();
      notifications.show({ message: `${member.name} does not belong to the organisation any more.` });
      await refresh();
    },
  });
  return (
    <ConfirmDialog
      isOpen={isOpen}
      title={`Remove ${member.name}?`}
      confirmLabel="Remove"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate({ params: { memberId: member.id } })}
      onClose={onClose}
    >
      {member.name} loses access at once, wherever they are signed in, and invitation links they made stop working. What
      they made for everybody stays.
    </ConfirmDialog>
  );
}
