/** The outbox API, for its page. */
import type { mailContract } from '../../../kernel/mail/contract.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';

export const outboxApi = createApi<typeof mailContract>();

export type MailItem = ItemOf<(typeof mailContract)['GET /admin/outbox']>;
export type MailMessage = CallOutput<(typeof mailContract)['GET /admin/outbox/{mailId}']>;
export type MailState = MailItem['state'];
