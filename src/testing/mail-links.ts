/** Links as people find them in their mail: the tokens behind `#token=`, by whom they were sent to and what the mail says. */
import { expect } from 'vitest';
import type { MailServer } from './mail-server.ts';

/** tokensIn lists the tokens of links, oldest first. */
export function tokensIn(mails: MailServer, email: string, subject: string): string[] {
  return mails.received
    .filter((mail) => mail.to === email && mail.header('subject') === subject)
    .flatMap((mail) => /#token=3?D?([\w-]{20,})/.exec(mail.raw.replaceAll('=\r\n', ''))?.[1] ?? []);
}

/** linkIn waits for the `count`th such mail and returns its token. */
export async function linkIn(mails: MailServer, email: string, subject: string, count = 1): Promise<string> {
  await expect.poll(() => tokensIn(mails, email, subject).length, { timeout: 25_000 }).toBeGreaterThanOrEqual(count);
  return tokensIn(mails, email, subject)[count - 1] ?? '';
}
