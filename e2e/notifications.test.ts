/** Outbox, bell, notifications and devices in a real browser, against a real mail server and a push service that decrypts. */
import { startMailServer, type MailServer } from '#testing/mail-server';
import { startPushService, type PushTestService, type TestSubscription } from '#testing/push-service';
import { strongPassword, type Tenant } from '#testing/server';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let mails: MailServer;
let pushes: PushTestService;
let owner: Tenant;
let browser: TestSubscription;
let tab: Tab;

/** Browsers without a way to the internet cannot subscribe; this one is handed a subscription at our push service. */
const fakeSubscribe = (json: string): string => `
  const handed = { toJSON: () => (${json}), unsubscribe: async () => { delete window.subscribed; return true; } };
  PushManager.prototype.subscribe = async function (options) {
    if (new Uint8Array(options.applicationServerKey).length !== 65) throw new Error('bad key');
    return (window.subscribed = handed);
  };
  PushManager.prototype.getSubscription = async () => window.subscribed ?? null;`;

beforeAll(async () => {
  [mails, pushes] = await Promise.all([
    startMailServer({ refuse: { 'gone@example.com': '550 no such mailbox' } }),
    startPushService(),
  ]);
  end = await startEndToEnd({
    environment: {
      MAIL_SMTP_URL: mails.url,
      MAIL_FROM: 'Bulkhead <bulkhead@example.net>',
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.1/32',
    },
  });
  owner = await end.server.signUpOwner();
  browser = pushes.subscribe();
  tab = await end.openTab();
  const { context, page } = tab;
  await context.grantPermissions(['notifications'], { origin: end.server.url });
  await page.addInitScript(fakeSubscribe(JSON.stringify(browser.body)));
  await signIn(tab, '/notifications');
  await page.getByRole('heading', { name: 'Notifications', level: 1 }).waitFor();
});

async function signIn({ page }: Tab, next: string): Promise<void> {
  await page.goto(`/sign-in?next=${next}`);
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await mails?.[Symbol.asyncDispose]();
  await pushes?.[Symbol.asyncDispose]();
});

async function expectClean(name: string, at = tab): Promise<void> {
  const { violations } = await inspect(at, name);
  expect(violations, name).toEqual([]);
  await at.page.setViewportSize({ width: 390, height: 844 });
  expect(await hasSidewaysScroll(at.page), `${name} scrolls sideways`).toBe(false);
  await at.page.setViewportSize({ width: 1280, height: 800 });
  expect(at.complaints, name).toEqual([]);
}

const tell = (title: string, more: { text?: string; link?: string } = {}): Promise<string> =>
  end.server.services.db.withTenant(owner.principal, (tx) =>
    end.server.services.notifications.notify(tx, { ...owner.principal, kind: 'account.security', title, ...more }),
  );

const queueMail = (to: string, subject: string): Promise<string> =>
  end.server.services.db.withSystem('test', (tx) =>
    end.server.services.mail.queue(tx, {
      to,
      subject,
      text: `See https://example.com/open?a=1.\n<b>x</b>`,
      kind: 'test',
    }),
  );

test('[K17.5] an empty list of notifications says what it is for', async () => {
  await tab.page.getByRole('heading', { name: 'Nothing yet' }).waitFor();
  await expectClean('notifications-empty');
});

test('[K17.5] [K17.3] the bell counts what is new; opening one marks it read and leads to what it is about', async () => {
  const { page } = tab;
  await tell('A new sign-in', { text: 'Firefox on Linux, from 203.0.113.7.', link: '/settings/sessions' });
  await tell('Your password was changed', { text: 'If that was not you, reset it now.' });
  await page.reload();
  await page.getByRole('navigation', { name: 'Main' }).getByRole('link', { name: 'Notifications, 2 unread' }).waitFor();
  await expectClean('notifications-list');
  await page.getByRole('link', { name: 'A new sign-in' }).click();
  await page.getByRole('heading', { name: 'Sessions', level: 1 }).waitFor();
  await page.getByRole('link', { name: 'Notifications, 1 unread' }).first().click();
  await page.getByRole('button', { name: 'Mark "Your password was changed" as read' }).waitFor();
  await page.getByRole('button', { name: 'Mark all as read' }).click();
  await page
    .getByRole('navigation', { name: 'Main' })
    .getByRole('link', { name: 'Notifications', exact: true })
    .first()
    .waitFor();
  await page.getByText('Unread', { exact: true }).click();
  await page.getByRole('heading', { name: 'All read' }).waitFor();
  expect(tab.complaints).toEqual([]);
});

test('[K17.5] ways are chosen per kind, kept, and taken back', async () => {
  const { page } = tab;
  await page.goto('/settings/notifications');
  const mail = page.getByRole('checkbox', { name: 'Security of your account: Mail' });
  await expect.poll(() => mail.isChecked()).toBe(true);
  const [saved] = await Promise.all([
    page.waitForResponse((response) => response.request().method() === 'PUT'),
    mail.uncheck(),
  ]);
  expect(saved.status()).toBe(200);
  await page.reload();
  await expect.poll(() => mail.isChecked()).toBe(false);
  await expectClean('notification-settings');
});

test('[K17.3] [K17.5] this device is switched on, tested, shown what comes, and switched off', async () => {
  const { context, page } = tab;
  await page.goto('/settings/notifications');
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.getByText('This browser shows notifications').waitFor();
  await page.getByRole('button', { name: /^Send a test to Chrome/ }).click();
  await page.getByText('Sent. It should show up').waitFor();
  expect(browser.received.map((pushed) => pushed.payload)).toEqual([
    expect.objectContaining({ title: 'Notifications reach this device', link: '/settings/notifications' }),
  ]);
  await expectClean('notification-device');
  // The browser's own push service cannot be reached here: the message takes the last step by the debugger.
  const debug = await context.newCDPSession(page);
  await debug.send('ServiceWorker.enable');
  const registration = new Promise<string>((resolve) => {
    debug.on('ServiceWorker.workerRegistrationUpdated', ({ registrations }) => {
      if (registrations[0]) resolve(registrations[0].registrationId);
    });
  });
  await debug.send('ServiceWorker.disable');
  await debug.send('ServiceWorker.enable');
  const message = {
    origin: end.server.url,
    registrationId: await registration,
    data: JSON.stringify({ title: 'From afar', text: 'More of it', link: '/settings/usage', tag: 'x' }),
  };
  const shown = `navigator.serviceWorker.ready.then((ready) => ready.getNotifications())
    .then((list) => list.map(({ title, body }) => title + ': ' + body))`;
  // Again until it is there: on a busy machine the worker may be just starting, and the tag makes all of them one.
  const delivered = async () => {
    await debug.send('ServiceWorker.deliverPushMessage', message);
    expect(await page.evaluate(shown)).toEqual(['From afar: More of it']);
  };
  await vi.waitFor(delivered, { timeout: 30_000, interval: 500 });
  await page.getByRole('button', { name: 'Turn off' }).click();
  await page.getByRole('button', { name: 'Turn on' }).waitFor();
  expect((await owner.client.expect(200, 'GET /push-subscriptions')).json.items).toEqual([]);
  expect(tab.complaints).toEqual([]);
});

test('[K17.3] [K17.5] the outbox tells what became of each mail, shows text as text, and tries again', async () => {
  const { page } = tab;
  await queueMail('ada@example.com', 'Welcome aboard');
  await queueMail('gone@example.com', 'To nobody');
  await vi.waitFor(
    () => expect(mails.received.some((mail) => mail.header('subject') === 'Welcome aboard')).toBe(true),
    { timeout: 30_000 },
  );
  await page.goto('/admin/outbox');
  await page.getByRole('button', { name: 'Welcome aboard' }).waitFor();
  await page.getByText('550 no such mailbox').first().waitFor();
  await expectClean('outbox-list');
  await page.getByLabel('Search by address or subject').fill('gone@');
  await page.getByRole('button', { name: 'Welcome aboard' }).waitFor({ state: 'detached' });
  await page.getByRole('button', { name: 'To nobody' }).click();
  const drawer = page.getByRole('dialog', { name: 'Message' });
  await drawer.getByText('<b>x</b>').waitFor();
  expect(await drawer.getByRole('link').getAttribute('href')).toBe('https://example.com/open?a=1');
  await expectClean('outbox-message');
  await drawer.getByRole('button', { name: 'Send again' }).click();
  await drawer.getByText('Waiting').or(drawer.getByText('Trying again')).first().waitFor();
  expect(tab.complaints).toEqual([]);
});

test('[K17.3] who does not run the server finds no outbox', async () => {
  const stranger = await end.server.secondTenant();
  await stranger.client.expect(403, 'GET /admin/outbox');
});

test('[K17.3] without a mail server the outbox holds what would have been sent, links included', async () => {
  await using alone = await startEndToEnd();
  const { mail, db } = alone.server.services;
  await alone.server.signUpOwner();
  const text = 'Join us: https://bulkhead.example.com/join#token=0123';
  await db.withSystem('test', (tx) =>
    mail.queue(tx, { to: 'bea@example.com', subject: 'You are invited', text, kind: 'test' }),
  );
  const other = await alone.openTab();
  await signIn(other, '/admin/outbox');
  await other.page.getByText('There is no mail server yet').waitFor();
  await other.page.getByRole('button', { name: 'You are invited' }).waitFor();
  await expectClean('outbox-kept', other);
  await other.page.getByRole('button', { name: 'You are invited' }).click();
  await other.page.getByRole('link', { name: 'https://bulkhead.example.com/join#token=0123' }).waitFor();
  expect(await other.page.getByRole('button', { name: 'Send', exact: true }).isDisabled()).toBe(true);
  await expectClean('outbox-kept-message', other);
});
