/** What people are told about support access. */
import type { NotificationKind } from '#kernel/notifications';

export const supportNotificationKinds: readonly NotificationKind[] = [
  {
    kind: 'support.access',
    title: 'Support access',
    description: 'Who runs the server asks to look into your organisation, or your own question was answered.',
    defaults: { inApp: true, mail: true, push: true },
  },
];
