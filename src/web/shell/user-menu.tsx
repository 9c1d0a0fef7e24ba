/** UserMenu holds what belongs to the person: settings, light or dark, signing out. */
import { Menu, UnstyledButton, VisuallyHidden, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconLogout, IconMoon, IconSelector, IconSun } from '@tabler/icons-react';
import { useNavigate } from '@tanstack/react-router';
import { useCall } from '../api-hooks.ts';
import { authApi, useSession } from '../session.ts';
import type { IconType } from '../ui/states.tsx';
import { settingsItems } from './settings-items.ts';
import classes from './shell.module.css';

const schemes: readonly { label: string; value: MantineColorScheme; icon: IconType }[] = [
  { label: 'Light', value: 'light', icon: IconSun },
  { label: 'Dark', value: 'dark', icon: IconMoon },
  { label: 'As the system', value: 'auto', icon: IconDeviceDesktop },
];

export function UserMenu({ isCompact }: { readonly isCompact?: boolean }) {
  const { user } = useSession();
  const navigate = useNavigate();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  // A full load forgets everything of this person that the page holds in memory.
  const signOut = useCall(authApi, 'POST /auth/sign-out', { onSettled: () => location.assign('/sign-in') });
  return (
    <Menu position={isCompact ? 'bottom-end' : 'top-start'} width={232} shadow="md">
      <Menu.Target>
        <UnstyledButton className={classes.userButton} data-compact={isCompact || undefined}>
          {/* Letters drawn by the style sheet, and hidden: they are no part of the button's name. */}
          <span className={classes.avatar} data-initials={initials(user.name)} aria-hidden />
          <VisuallyHidden>Account of {isCompact ? user.name : ''}</VisuallyHidden>
          {isCompact ? null : (
            <>
              <span className={classes.userText}>
                <span className={classes.userName}>{user.name}</span>
                <span className={classes.userMail}>{user.email}</span>
              </span>
              <IconSelector size={16} aria-hidden />
            </>
          )}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {isCompact ? <Menu.Label>{user.email}</Menu.Label> : null}
        {settingsItems.map(({ label, to, icon: Icon }) => (
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
        <Menu.Item leftSection={<IconLogout size={17} stroke={1.6} />} onClick={() => signOut.mutate({})}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? '')][0] ?? '');
  return letters.join('').toUpperCase();
}
