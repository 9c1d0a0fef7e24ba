/** Every page of settings and of the console on a phone: nothing is wider than the screen, cut off, or too small for a finger. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTeam } from '#testing/team-fixture';
import { hasSidewaysScroll, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let tab: Tab;
let person: string;
let team: string;

beforeAll(async () => {
  end = await startEndToEnd();
  const { client, principal } = await end.server.signUpOwner();
  person = principal.userId;
  team = (await createTeam({ client }, 'Northwind Research and Analytics Department of the European Branch')).id;
  await client.expect(201, 'POST /api-keys', { body: { name: 'Nightly import', scopes: ['models.connection.read'] } });
  await client.expect(200, 'POST /invitation-links', { body: { role: 'viewer' } });
  const body = { scope: 'organisation', unit: 'cost', period: 'month', limit: 5_000_000 };
  await client.expect(200, 'PUT /budgets', { body });
  tab = await end.openTab({ device: 'phone' });
  const [name = '', value = ''] = client.cookie.split(/=(.*)/s);
  await tab.context.addCookies([{ name, value, url: end.server.url.replace('http:', 'https:'), secure: true }]);
});

afterAll(() => end?.[Symbol.asyncDispose]());

/**
 * What a finger meets 21 pixels above and below the middle of each control must be the control, or its label. A field is
 * two pixels lower than the border around it, which answers as well.
 */
const findSmallTargets = `(() => {
  const isSmall = (one) => {
    one.scrollIntoView({ block: 'center' });
    const { x, y, width, height } = one.getBoundingClientRect();
    const isHit = (down) => {
      const hit = document.elementFromPoint(x + width / 2, y + height / 2 + down);
      return one.contains(hit) || hit?.closest('label')?.control === one;
    };
    return height < 41.5 && !(isHit(-21) && isHit(21));
  };
  const isControl = (one) =>
    !one.disabled && one.checkVisibility({ visibilityProperty: true, opacityProperty: true }) &&
    one.getBoundingClientRect().height > 1 && getComputedStyle(one).display !== 'inline';
  return [...document.querySelectorAll('main :is(a, button, input, summary)')]
    .filter((one) => isControl(one) && isSmall(one))
    .map((one) => (one.getAttribute('aria-label') || one.textContent || one.type).trim().slice(0, 40));
})()`;

const findCutOff = `[...document.querySelectorAll('main :is(.mantine-Button-label, .mantine-Badge-label)')]
  .filter((one) => one.scrollWidth > one.clientWidth + 1)
  .map((one) => one.textContent)`;

const pages = [
  '/settings',
  '/settings/profile',
  '/settings/security',
  '/settings/sessions',
  '/settings/notifications',
  '/settings/api-keys',
  '/settings/data',
  '/settings/organisation',
  '/settings/members',
  '/settings/models',
  '/settings/usage',
  '/settings/sign-on',
  '/settings/directory',
  '/settings/audit',
  '/settings/support',
  '/notifications',
  '/admin',
  '/admin/people',
  '/admin/people/:person',
  '/admin/organisations',
  '/admin/organisations/:team',
  '/admin/usage',
  '/admin/flags',
  '/admin/jobs',
  '/admin/outbox',
];

test.each(pages)('[K17.5] %s fits a phone and a finger', async (pattern) => {
  const { page } = tab;
  await page.goto(pattern.replace(':person', person).replace(':team', team));
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count()).toBe(0);
  expect(await hasSidewaysScroll(page)).toBe(false);
  expect(await page.evaluate(findSmallTargets)).toEqual([]);
  expect(await page.evaluate(findCutOff)).toEqual([]);
  expect(tab.complaints).toEqual([]);
});
