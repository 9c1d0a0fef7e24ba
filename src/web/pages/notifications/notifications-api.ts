/** The notifications API, for its pages and the bell. */
import type { notificationsContract } from '../../../kernel/notifications/contract.ts';
import { queryOf } from '../../api-hooks.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';

export const notificationsApi = createApi<typeof notificationsContract>();

type Operations = typeof notificationsContract;

export type NotificationItem = ItemOf<Operations['GET /notifications']>;
export type NotificationSetting = CallOutput<Operations['GET /notification-settings']>['settings'][number];

/** summaryQuery is the count of what is unread. */
export const summaryQuery = queryOf(notificationsApi, 'GET /notification-summary');
