/** MakeOwnerDialog gives ownership to another member, beside oneself or in one's place; the server asks who one is. */
import { Radio, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { tenancyApi } from '../../organisation.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { useRefreshMembers, type MemberRow } from './use-refresh-members.ts';

interface MakeOwnerDialogProps {
  readonly member: MemberRow;
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export function MakeOwnerDialog({ member, isOpen, onClose }: MakeOwnerDialogProps) {
  const refresh = useRefreshMembers();
  const [choice, setChoice] = useState('beside');
  const make = useCall(tenancyApi, 'POST /members/{memberId}/make-owner', {
    onSuccess: async () => {
      onClose();
      notifications.show({ message: `${member.name} is an owner now.` });
      await refresh();
    },
  });
  return (
    <ConfirmDialog
      isOpen={isOpen}
      title={`Make ${member.name} an owner?`}
      confirmLabel={choice === 'beside' ? 'Make owner' : 'Hand over'}
      isBusy={make.isPending}
      error={make.error}
      onConfirm={() => make.mutate({ params: { memberId: member.id }, body: { remainOwner: choice === 'beside' } })}
      onClose={onClose}
    >
      <Stack gap="sm">
        <Text size="sm">Owners may do everything here, also remove you. It takes effect at once.</Text>
        <Radio.Group label="And you?" value={choice} onChange={setChoice}>
          <Stack gap="xs" mt="xs">
            <Radio value="beside" label="I stay an owner" description="The organisation has one more owner" />
            <Radio
              value="instead"
              label="I hand my ownership over"
              description="You become an admin, and only they can make you an owner again"
            />
          </Stack>
        </Radio.Group>
      </Stack>
    </ConfirmDialog>
  );
}
