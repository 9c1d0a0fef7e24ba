/** What the kernel itself tells people of. */
import type { NotificationKind } from './types.ts';

export const kernelNotificationKinds: readonly NotificationKind[] = [
  {
    kind: 'account.security',
    title: 'Security of your account',
    description: 'A new password, a sign-in from a new device, a changed address.',
    defaults: { inApp: true, mail: true, push: true },
  },
  {
    kind: 'organization.membership',
    title: 'Membership',
    description: 'You are invited, removed or have another role; somebody accepted your invitation.',
    defaults: { inApp: true, mail: false, push: false },
  },
];
