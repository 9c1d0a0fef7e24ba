/** Every page one may see, as entries of the palette. */
import { IconBell, IconHome, IconSettings } from '@tabler/icons-react';
import type { NavigationItem, PaletteEntry } from '../../app-pages.ts';
import type { Session } from '../../session.ts';
import { adminItems } from '../admin-items.ts';
import { installedApps } from '../installed-apps.ts';
import { settingsGroups, settingsOf } from '../settings-items.ts';

const entryOf = ({ label, to, icon }: NavigationItem, description: string, keywords = ''): PaletteEntry => ({
  id: `page.${to}`,
  label,
  description,
  icon,
  keywords,
  to,
});

/** pageEntries follows the navigation; what the session does not permit is not in it. */
export function pageEntries(session: Session): readonly PaletteEntry[] {
  const { apps, permissions, isOperator } = session;
  const isPermitted = ({ permission }: NavigationItem) => !permission || permissions.includes(permission);
  const appPages = installedApps
    .filter(({ id }) => apps.some((app) => app.id === id))
    .flatMap(({ title, navigation }) =>
      navigation.filter(isPermitted).map((item) => entryOf(item, item.label === title ? 'Application' : title)),
    );
  const settings = settingsGroups.flatMap(({ group, place }) =>
    settingsOf(group, permissions).map((item) => entryOf(item, place, item.purpose)),
  );
  return [
    entryOf({ label: 'Home', to: '/', icon: IconHome }, 'Start'),
    ...appPages,
    entryOf({ label: 'Notifications', to: '/notifications', icon: IconBell }, 'What happened', 'inbox unread messages'),
    entryOf({ label: 'Settings', to: '/settings', icon: IconSettings }, 'All of them', 'preferences options'),
    ...settings,
    ...(isOperator ? adminItems.filter(isPermitted).map((item) => entryOf(item, 'Administration of the server')) : []),
  ];
}
