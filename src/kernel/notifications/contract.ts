/** The HTTP contract of notifications: what one should know, and how one wants to be told. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

export const notification = z.strictObject({
  id,
  kind: z.string(),
  title: z.string(),
  text: z.string(),
  link: z.string().nullable().describe('Path in this app'),
  isRead: z.boolean(),
  createdAt: timestamp,
});

const ways = {
  inApp: z.boolean().describe('Listed in the app'),
  mail: z.boolean().describe('Sent by mail'),
  push: z.boolean().describe('Sent to the devices that subscribed'),
};

/** notificationSetting is how one is told of a kind. */
export const notificationSetting = z.strictObject({
  kind: z.string().min(1).max(80),
  title: z.string(),
  description: z.string().nullable(),
  ...ways,
});

export const notificationsContract = defineContract({
  'GET /notifications': {
    summary: 'List your notifications in this organisation, newest first',
    query: pageQuery.extend({ state: z.enum(['all', 'unread']).default('all') }),
    response: page(notification),
  },
  'GET /notification-summary': {
    summary: 'Count your unread notifications in this organisation',
    response: z.strictObject({ unread: z.int().describe('100 stands for 100 or more') }),
  },
  'POST /notifications/{notificationId}/read': {
    summary: 'Mark a notification as read',
    params: z.strictObject({ notificationId: id }),
    status: 204,
  },
  'POST /notifications/read-all': {
    summary: 'Mark all your notifications in this organisation as read',
    body: z.strictObject({ until: id.optional().describe('The newest one seen; later ones stay unread') }),
    response: z.strictObject({ read: z.int() }),
  },
  'GET /notification-settings': {
    summary: 'Read how you are told of what',
    response: z.strictObject({
      mailState: z
        .enum(['ready', 'kept', 'unconfirmed'])
        .describe('kept: the server has no mail server; unconfirmed: your address is not confirmed yet'),
      settings: z.array(notificationSetting),
    }),
  },
  'PUT /notification-settings': {
    summary: 'Choose how you are told of a kind',
    body: z.strictObject({ kind: notificationSetting.shape.kind, ...ways }),
    response: notificationSetting,
  },
});
