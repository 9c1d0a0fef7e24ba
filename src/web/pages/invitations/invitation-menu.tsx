/** InvitationMenu is what can be done about an invitation: sent again, unless it is a link, or revoked. */
import { ActionIcon, Menu } from '@mantine/core';
import { IconDots, IconMailForward, IconTrash } from '@tabler/icons-react';

interface InvitationMenuProps {
  readonly name: string;
  readonly isBusy: boolean;
  /** Null for a link. */
  readonly onResend: (() => void) | null;
  readonly onRevoke: () => void;
}

export function InvitationMenu({ isBusy, name, onResend, onRevoke }: InvitationMenuProps) {
  return (
    <Menu position="bottom-end" shadow="md">
      <Menu.Target>
        <ActionIcon aria-label={`Actions for ${name}`} loading={isBusy}>
          <IconDots size={20} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {onResend === null ? null : (
          <Menu.Item leftSection={<IconMailForward size={17} />} onClick={onResend}>
            Send again
          </Menu.Item>
        )}
        <Menu.Item color="red" leftSection={<IconTrash size={17} />} onClick={onRevoke}>
          Revoke
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
