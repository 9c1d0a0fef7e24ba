/** The pages of settings, by whose they are: for the navigation, the page of settings and the command palette. */
import {
  IconBellCog,
  IconChartBar,
  IconBuilding,
  IconDatabase,
  IconDevices,
  IconKey,
  IconLogin2,
  IconLifebuoy,
  IconListSearch,
  IconPlugConnected,
  IconShieldLock,
  IconSitemap,
  IconUser,
  IconUsers,
} from '@tabler/icons-react';
import type { NavigationItem } from '../app-pages.ts';

/** SettingsItem says whose setting it is and, in a sentence, what one does there. */
export interface SettingsItem extends NavigationItem {
  readonly group: 'you' | 'organisation';
  readonly purpose: string;
}

export const settingsGroups = [
  { group: 'you', title: 'You', place: 'Your settings', purpose: 'Nobody else sees or changes these.' },
  {
    group: 'organisation',
    title: 'This organisation',
    place: 'Settings of this organisation',
    purpose: 'Shared by everybody who works here.',
  },
] as const satisfies readonly { group: SettingsItem['group']; title: string; place: string; purpose: string }[];

export const settingsItems: readonly SettingsItem[] = [
  {
    label: 'Profile',
    to: '/settings/profile',
    icon: IconUser,
    group: 'you',
    purpose: 'Your name, picture and e-mail address.',
  },
  {
    label: 'Security',
    to: '/settings/security',
    icon: IconShieldLock,
    group: 'you',
    purpose: 'Password, passkeys and the second step of signing in.',
  },
  {
    label: 'Sessions',
    to: '/settings/sessions',
    icon: IconDevices,
    group: 'you',
    purpose: 'Where you are signed in, and signing out elsewhere.',
  },
  {
    label: 'Notification settings',
    to: '/settings/notifications',
    icon: IconBellCog,
    group: 'you',
    purpose: 'What you are told of, by mail or on your devices.',
  },
  {
    label: 'API keys',
    to: '/settings/api-keys',
    icon: IconKey,
    permission: 'auth.api-key.use',
    group: 'you',
    purpose: 'Let programs act for you, within the scopes you give.',
  },
  {
    label: 'Your data',
    to: '/settings/data',
    icon: IconDatabase,
    group: 'you',
    purpose: 'Take a copy along, bring one back, or delete your account.',
  },
  {
    label: 'Organisation',
    to: '/settings/organisation',
    icon: IconBuilding,
    group: 'organisation',
    purpose: 'Its name and picture, leaving or deleting it.',
  },
  {
    label: 'Members',
    to: '/settings/members',
    icon: IconUsers,
    permission: 'organisation.member.read',
    group: 'organisation',
    purpose: 'Who works here, in which role, and who is invited.',
  },
  {
    label: 'Models',
    to: '/settings/models',
    icon: IconPlugConnected,
    group: 'organisation',
    purpose: 'Connect the language models that answer here.',
  },
  {
    label: 'Usage',
    to: '/settings/usage',
    icon: IconChartBar,
    group: 'organisation',
    purpose: 'What models cost, and budgets that hold.',
  },
  {
    label: 'Sign-on',
    to: '/settings/sign-on',
    icon: IconLogin2,
    permission: 'sign-on.connection.read',
    group: 'organisation',
    purpose: 'Sign in through your company: OpenID Connect or SAML.',
  },
  {
    label: 'Directory',
    to: '/settings/directory',
    icon: IconSitemap,
    permission: 'auth.directory.manage',
    group: 'organisation',
    purpose: 'Accounts kept up to date by your directory (SCIM).',
  },
  {
    label: 'Audit trail',
    to: '/settings/audit',
    icon: IconListSearch,
    permission: 'audit.record.read',
    group: 'organisation',
    purpose: 'Who did what and when, verifiable.',
  },
  {
    label: 'Support access',
    to: '/settings/support',
    icon: IconLifebuoy,
    permission: 'support.access.read',
    group: 'organisation',
    purpose: 'Who runs this server asks to look in; you decide.',
  },
];

/** settingsOf are the pages of a group that these permissions open. */
export function settingsOf(group: SettingsItem['group'], permissions: readonly string[]): readonly SettingsItem[] {
  return settingsItems.filter(
    (item) => item.group === group && (!item.permission || permissions.includes(item.permission)),
  );
}
