/** No page of ours breaks its own policy, and what somebody plants in a page does not run. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { newId } from '#kernel/ids';
import { createSamples, type Samples } from '#testing/generated/sample-resources';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

const root = join(import.meta.dirname, '..', 'src');

/** listPaths reads the addresses from the lists the router is made of, so that a new page is visited too. */
function listPaths(): string[] {
  const apps = readdirSync(join(root, 'apps')).map((app) => join(root, 'apps', app, 'ui', 'pages.tsx'));
  const sources = [join(root, 'web', 'shell', 'router.tsx'), ...apps].map((file) => readFileSync(file, 'utf8'));
  const paths = sources.flatMap((source) => [...source.matchAll(/path: '(\/[^']*)'/g)].map((match) => match[1] ?? ''));
  return [...new Set([...paths, '/nowhere/at/all'])];
}

let end: EndToEnd;
let tab: Tab;
let samples: Samples;
const consoleComplaints: string[] = [];

beforeAll(async () => {
  end = await startEndToEnd();
  const owner = await end.server.signUpOwner();
  samples = await createSamples(end.server, owner);
  tab = await end.openTab();
  tab.page.on('console', (message) => {
    // A missing picture or an API's 404 is no matter of policies; those name themselves.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      consoleComplaints.push(message.text());
  });
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
});

async function settle(page: Page): Promise<void> {
  await page
    .locator('h1')
    .first()
    .waitFor()
    .catch(() => expect.fail(`no heading on ${page.url()}`));
  await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count(), { timeout: 20_000 }).toBe(0);
}

async function signIn({ page }: Tab): Promise<void> {
  await page.goto('/sign-in');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: /^Hello/ }).waitFor();
}

function fill(path: string): string {
  return path.replaceAll(/\$(\w+)/g, (_, name: string) => samples[name] ?? newId());
}

test('[K8.1] every page of the web app, signed out and signed in, keeps to its policy', async () => {
  const paths = listPaths();
  expect(paths.length).toBeGreaterThan(8);
  for (const open of ['/sign-in', '/sign-up', '/setup']) {
    await tab.page.goto(open);
    await settle(tab.page);
  }
  await signIn(tab);
  for (const path of paths) {
    await tab.page.goto(fill(path));
    await settle(tab.page);
    expect([path, tab.complaints, consoleComplaints]).toEqual([path, [], []]);
  }
});

test('[K8.1] the API reference keeps to its policy, and asks no other host', async () => {
  const { page } = await end.openTab();
  const violations: string[] = [];
  await page.exposeFunction('reportViolation', (violation: string) => violations.push(violation));
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) => reportViolation(event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample));`,
  );
  const hosts = new Set<string>();
  page.on('request', (request) => void hosts.add(new URL(request.url()).host));
  await page.goto('/reference');
  await page
    .getByRole('heading', { name: /Bulkhead/ })
    .first()
    .waitFor();
  // A library in it tries once whether it could make functions from strings, and does without.
  expect(
    violations.filter((violation) => !violation.startsWith('require-trusted-types-for trusted-types-sink Function')),
  ).toEqual([]);
  await page.screenshot({ path: join(root, '..', '.build', 'screenshots', 'reference.png') });
  expect([...hosts].filter((host) => host !== '' && host !== new URL(end.server.url).host)).toEqual([]);
});

const planted = [
  `<script>window.planted = 'inline script'</script>`,
  `<script nonce="">window.planted = 'empty nonce'</script>`,
  `<script nonce="__CSP_NONCE__">window.planted = 'placeholder nonce'</script>`,
  `<script src="/api/v1/openapi.json"></script>`,
  `<img src="x" onerror="window.planted = 'event handler'">`,
  `<svg onload="window.planted = 'svg handler'"></svg>`,
  `<iframe srcdoc="<script>parent.planted = 'frame'</script>"></iframe>`,
  `<base href="https://evil.example/">`,
  `<object data="/assets/x"></object>`,
  `<style>body { --planted: 1 }</style>`,
  `<a id="planted-link" href="javascript:window.planted = 'address'">x</a>`,
].join('');

test('[K8.1] scripts, handlers, frames and styles planted in the page do not run', async () => {
  const { page, complaints } = await end.openTab();
  await page.route('**/sign-in', async (route) => {
    const response = await route.fetch();
    const body = (await response.text()).replace('</body>', `${planted}</body>`);
    await route.fulfill({ response, body });
  });
  await page.goto('/sign-in');
  await settle(page);
  await page.locator('#planted-link').evaluate((link) => (link as unknown as { click(): void }).click());
  await expect
    .poll(() => complaints.filter((text) => text.startsWith('CSP script-src')).length)
    .toBeGreaterThanOrEqual(5);
  expect(await page.evaluate('window.planted')).toBeUndefined();
  expect(await page.evaluate('document.baseURI')).toBe(`${end.server.url}/sign-in`);
  expect(await page.evaluate(`getComputedStyle(document.body).getPropertyValue('--planted')`)).toBe('');
  for (const directive of ['script-src-attr', 'script-src-elem', 'base-uri', 'object-src', 'style-src-elem'])
    await expect
      .poll(() => complaints.some((text) => text.startsWith(`CSP ${directive}`)), { message: directive })
      .toBe(true);
});

test('[K8.1] no string becomes code or markup, and no other policy for it can be made', async () => {
  await tab.page.goto('/');
  await settle(tab.page);
  // From a timer, because the debugger's own evaluation may do what the page may not.
  const refused = (code: string) =>
    tab.page.evaluate(
      `new Promise((resolve) => setTimeout(() => { try { ${code}; resolve('allowed'); } catch (error) { resolve(error.name); } }))`,
    );
  for (const code of [
    `document.body.innerHTML = '<b>x</b>'`,
    `document.body.outerHTML = '<b>x</b>'`,
    `document.body.insertAdjacentHTML('beforeend', '<b>x</b>')`,
    `document.write('<b>x</b>')`,
    `new DOMParser().parseFromString('<b>x</b>', 'text/html')`,
    `document.createRange().createContextualFragment('<b>x</b>')`,
    `document.createElement('script').text = 'window.planted = 1'`,
    `document.createElement('script').src = '/assets/x.js'`,
    `document.createElement('iframe').srcdoc = '<b>x</b>'`,
    `trustedTypes.createPolicy('mine', { createHTML: (text) => text })`,
  ])
    expect([code, await refused(code)]).toEqual([code, 'TypeError']);
  for (const code of [`eval('1')`, `new Function('return 1')()`, `setTimeout('window.planted = 1')`])
    expect([code, await refused(code)]).toEqual([code, expect.stringMatching(/EvalError|TypeError/)]);
  tab.complaints.length = 0; // what was planted
});

test('[K8.1] no page can be put into a frame of another site', async () => {
  const { page } = await end.openTab();
  await page.route('https://evil.example/', (route) =>
    route.fulfill({ contentType: 'text/html', body: `<iframe src="${end.server.url}/sign-in"></iframe>` }),
  );
  await page.goto('https://evil.example/');
  await expect
    .poll(() => page.frames().map((frame) => frame.url()))
    .toEqual(['https://evil.example/', 'chrome-error://chromewebdata/']);
});
