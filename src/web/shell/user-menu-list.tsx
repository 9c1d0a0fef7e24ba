/** What the person's menu lists: their settings, light or dark, signing out. */
import { Menu, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconLogout, IconMoon, IconSettings, IconSun } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useSession } from '../session.ts';
import type { IconType } from '../ui/states.tsx';
import type { MenuButtonProps } from './menu-button.tsx';
import { OpenedMenu } from './opened-menu.tsx';
import { settingsOf } from './settings-items.ts';
import { useSignOut } from './use-sign-out.ts';

const schemes: readonly { label: string; value: MantineColorScheme; icon: IconType }[] = [
  { label: 'Light', value: 'light', icon: IconSun },
  { label: 'Dark', value: 'dark', icon: IconMoon },
  { label: 'As the system', value: 'auto', icon: IconDeviceDesktop },
];

const allSettings = { label: 'All settings', to: '/settings', icon: IconSettings };

interface UserMenuListProps {
  readonly button: MenuButtonProps;
}

export default function UserMenuList({ button }: UserMenuListProps) {
  return (
    <OpenedMenu button={button} position="top-start" width={232} shadow="md">
      <Items />
    </OpenedMenu>
  );
}

/** CompactUserMenuList hangs from the top bar of a phone, where the button does not say whose it is. */
export function CompactUserMenuList({ button }: UserMenuListProps) {
  const { user } = useSession();
  return (
    <OpenedMenu button={button} position="bottom-end" width={232} shadow="md">
      <Menu.Label>{user.email}</Menu.Label>
      <Items />
    </OpenedMenu>
  );
}

function Items() {
  const { permissions } = useSession();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useSignOut();
  return (
    <>
      {[...settingsOf('you', permissions), allSettings].map(({ label, to, icon: Icon }) => (
        <Menu.Item key={to} leftSection={<Icon size={17} stroke={1.6} />} onClick={() => void navigate({ to })}>
          {label}
        </Menu.Item>
      ))}
      <Menu.Divider />
      <Menu.Label>Appearance</Menu.Label>
      <Menu.RadioGroup value={colorScheme} onChange={(value) => setColorScheme(value as MantineColorScheme)}>
        {schemes.map(({ label, value, icon: Icon }) => (
          <Menu.RadioItem key={value} value={value} rightSection={<Icon size={17} stroke={1.6} />}>
            {label}
          </Menu.RadioItem>
        ))}
      </Menu.RadioGroup>
      <Menu.Divider />
      <Menu.Item leftSection={<IconLogout size={17} stroke={1.6} />} onClick={() => signOut.mutate()}>
        Sign out
      </Menu.Item>
    </>
  );
}
