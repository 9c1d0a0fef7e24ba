/** The pages of who runs the server, for the navigation. */
import {
  IconActivity,
  IconBuildingCommunity,
  IconChartHistogram,
  IconFlag,
  IconMail,
  IconSettingsAutomation,
  IconUsersGroup,
} from '@tabler/icons-react';
import type { NavigationItem } from '../app-pages.ts';

export const adminItems: readonly NavigationItem[] = [
  { label: 'Overview', to: '/admin', icon: IconActivity, isExact: true },
  { label: 'People', to: '/admin/people', icon: IconUsersGroup },
  { label: 'Organisations', to: '/admin/organisations', icon: IconBuildingCommunity },
  { label: 'Usage and cost', to: '/admin/usage', icon: IconChartHistogram },
  { label: 'Flags', to: '/admin/flags', icon: IconFlag },
  { label: 'Jobs', to: '/admin/jobs', icon: IconSettingsAutomation },
  { label: 'Outbox', to: '/admin/outbox', icon: IconMail },
];
