/** A browser test gets a real server, a real Chromium and pages that fail the test on any CSP report or script error. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { startTestServer, type TestServer, type TestServerOptions } from '#testing/server';
import { buildWeb } from '../scripts/launcher/build-web.mjs';

const root = join(import.meta.dirname, '..');
/** TEST_WEB_FOLDER names another build of the web app, so that two people can work in one tree. */
export const webFolder = process.env['TEST_WEB_FOLDER'] ?? join(root, '.build/web');
const screenshots = join(root, '.build/screenshots');

export const quietFlags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const devices = {
  phone: { width: 390, height: 844 },
  desktop: { width: 1280, height: 800 },
} as const;

export interface Tab {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the browser complained of so far: CSP and Trusted Types reports, uncaught errors. */
  readonly complaints: string[];
}

export interface EndToEnd extends AsyncDisposable {
  readonly server: TestServer;
  readonly browser: Browser;
  /** Opens a tab of its own profile: nobody is signed in. */
  openTab(options?: { readonly device?: keyof typeof devices }): Promise<Tab>;
}

/** EndToEndBrowser is a browser without a server of its own: its tabs look at `baseUrl`. */
export type EndToEndBrowser = Omit<EndToEnd, 'server'>;

/** prepareWeb builds the web app when its sources have changed; a test with a server of its own calls it first. */
export async function prepareWeb(): Promise<void> {
  if ((await buildWeb(root, process.execPath)) !== 0) throw new Error('the web app does not build');
  mkdirSync(screenshots, { recursive: true });
}

/** startBrowser starts a browser for a server that the test runs itself. */
export async function startBrowser(baseUrl: string): Promise<EndToEndBrowser> {
  const browser = await launchBrowser();
  return {
    browser,
    openTab: async ({ device = 'desktop' } = {}) => openTab(browser, baseUrl, devices[device]),
    [Symbol.asyncDispose]: () => browser.close(),
  };
}

/** startEndToEnd starts server and browser; `await using` ends both. TEST_CHROMIUM names another browser. */
export async function startEndToEnd(options: TestServerOptions = {}): Promise<EndToEnd> {
  await prepareWeb();
  const server = await startTestServer({ webFolder, ...options });
  const browser = await startBrowser(server.url).catch(async (error: unknown) => {
    await server[Symbol.asyncDispose]();
    throw error;
  });
  return {
    ...browser,
    server,
    async [Symbol.asyncDispose]() {
      await browser[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['TEST_CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: quietFlags,
  });
}

async function openTab(browser: Browser, baseURL: string, viewport: { width: number; height: number }): Promise<Tab> {
  const context = await browser.newContext({
    baseURL,
    viewport,
    reducedMotion: 'reduce',
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  await page.exposeFunction('reportComplaint', (text: string) => complaints.push(text));
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (event) =>
       reportComplaint('CSP ' + event.effectiveDirective + ' ' + event.blockedURI + ' ' + event.sample));`,
  );
  page.on('pageerror', (error) => complaints.push(`error ${error.message}`));
  return { page, context, complaints };
}

/**
 * ageProofs makes the proof of every session a day old, so that what is sensitive is asked for again. The server remembers
 * sessions for a moment: it resolves when that of this tab is known to be old.
 */
export async function ageProofs({ services }: TestServer, { context }: Tab): Promise<void> {
  await services.db.withAuth(async (tx) => {
    await tx.query({ text: `update auth.sessions set proved_at = now() - interval '1 day'` });
    await tx.query({ text: `select pg_notify('bulkhead_sessions', 'user:' || id) from auth.users` });
  });
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ');
  const proofOf = async () => {
    const principal = await services.identity.resolve({ cookie });
    return principal?.via.kind === 'session' ? principal.via.provedAt : Number.NaN;
  };
  await expect.poll(proofOf).toBeLessThan(Date.now() - 3_600_000);
}

export interface Inspection {
  /** Rule ids and places that axe finds wrong, by look. */
  readonly violations: readonly string[];
}

/**
 * inspect looks at the page as it is, on phone and desktop, light and dark: saves `<name>-<device>-<scheme>.png`. Axe
 * judges the dark phone and the light desktop: both schemes and both layouts. The page is left on the desktop in light.
 */
export async function inspect({ page }: Tab, name: string): Promise<Inspection> {
  const violations: string[] = [];
  const looks = (['phone', 'desktop'] as const).flatMap((device) =>
    (['dark', 'light'] as const).map((scheme) => ({ device, scheme })),
  );
  for (const { device, scheme } of looks) {
    await page.setViewportSize(devices[device]);
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme="${scheme}"]`).waitFor();
    await page.screenshot({ path: join(screenshots, `${name}-${device}-${scheme}.png`), animations: 'disabled' });
    if ((device === 'phone') !== (scheme === 'dark')) continue;
    for (const violation of await findAxeViolations(page)) violations.push(`${device} ${scheme} ${violation}`);
  }
  return { violations };
}

async function findAxeViolations(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.target.join(' ')} ${node.any[0]?.message ?? node.failureSummary ?? ''}`),
  );
}

/** hasSidewaysScroll is true when something is wider than the window: on a phone that is a broken page. */
export function hasSidewaysScroll(page: Page): Promise<boolean> {
  return page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth');
}
