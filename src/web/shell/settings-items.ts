/** The pages of settings, for the navigation and the user menu. */
import { IconDevices, IconPlugConnected, IconUser } from '@tabler/icons-react';
import type { NavigationItem } from '../app-pages.ts';

export const settingsItems: readonly NavigationItem[] = [
  { label: 'Profile', to: '/settings/profile', icon: IconUser },
  { label: 'Sessions', to: '/settings/sessions', icon: IconDevices },
  { label: 'Models', to: '/settings/models', icon: IconPlugConnected },
];
