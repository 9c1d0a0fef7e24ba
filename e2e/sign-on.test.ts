/** Signing on through others in a real browser: a real provider for everybody, and one that an organisation connects. */
import { startDnsServer, type DnsServer } from '#testing/sign-on/dns-server';
import { startOidcServer, type OidcServer } from '#testing/sign-on/oidc-server';
import { createSamlProvider } from '#testing/sign-on/saml-provider';
import { strongPassword } from '#testing/server';
import { createTeam } from '#testing/team-fixture';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let provider: OidcServer;
let own: OidcServer;
let dns: DnsServer;
let end: EndToEnd;
let owner: Tab;

beforeAll(async () => {
  provider = await startOidcServer();
  own = await startOidcServer();
  dns = await startDnsServer();
  const list = [
    {
      id: 'corp',
      title: 'Corp',
      issuer: provider.issuer,
      clientId: provider.clientId,
      clientSecret: provider.clientSecret,
    },
  ];
  end = await startEndToEnd({
    environment: {
      SIGN_ON_OIDC: JSON.stringify(list),
      OUTBOUND_PRIVATE_NETWORKS: '127.0.0.0/8',
      DNS_SERVERS: dns.address,
      LIMITS: 'auth.sign-on-start=1000/60,auth.sign-on-finish=1000/60',
    },
  });
  provider.allowRedirect(`${end.server.url}/sign-on/corp`);
  await createTeam(await end.server.signUpOwner(), 'Acme works');
  owner = await end.openTab();
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await provider?.[Symbol.asyncDispose]();
  await own?.[Symbol.asyncDispose]();
  await dns?.[Symbol.asyncDispose]();
});

async function expectClean(tab: Tab, name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

async function answerAtProvider({ page }: Tab, login: string): Promise<void> {
  await page.getByRole('heading', { name: 'Provider' }).waitFor();
  await page.getByLabel('Login').fill(login);
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('[K2.5] a stranger comes through a provider, lands where they wanted to go, and sees the link in settings', async () => {
  provider.accounts.set('grace', { email: 'grace@example.net', email_verified: true, name: 'Grace Hopper' });
  const tab = await end.openTab();
  const { page } = tab;
  await page.goto('/sign-in?next=/settings/security');
  await page.getByRole('button', { name: 'Continue with Corp' }).waitFor();
  await expectClean(tab, 'sign-on-buttons');
  await page.getByRole('button', { name: 'Continue with Corp' }).click();
  await answerAtProvider(tab, 'grace');
  await page.getByRole('heading', { name: 'Security' }).waitFor();
  await page.getByText('grace@example.net · linked').waitFor();
  expect(page.url()).not.toContain('code=');
  await page.getByRole('button', { name: 'Unlink Corp' }).click();
  const dialog = page.getByRole('dialog', { name: 'Unlink Corp?' });
  await dialog.getByRole('button', { name: 'Unlink' }).click();
  await dialog.getByText('only way to sign in').waitFor();
  await expectClean(tab, 'sign-on-last-way');
});

test('[K2.5] cancelling ends on a page that says so, with the way back; a forged answer too', async () => {
  const tab = await end.openTab();
  const { page } = tab;
  await page.goto('/sign-in');
  await page.getByRole('button', { name: 'Continue with Corp' }).click();
  await answerAtProvider(tab, '');
  await page.getByRole('heading', { name: 'You were not signed in' }).waitFor();
  await page.getByText('Signing in was cancelled at the provider').waitFor();
  await expectClean(tab, 'sign-on-cancelled');
  await page.getByRole('link', { name: 'Back to signing in' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.goto('/sign-on/corp?code=forged&state=forged');
  await page.getByText('begun in another browser').waitFor();
  await page.goto('/sign-in?problem=%3Cimg%20src%3Dx%3E');
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(await page.content()).not.toContain('img src=x');
  await page.goto('/sign-in?problem=SIGN_ON_REFUSED');
  await page.getByText('could not be verified').waitFor();
  expect(tab.complaints).toEqual([]);
});

test('[K2.5] [K3.1] a personal organisation says that nobody signs in there, and how to share one', async () => {
  const tab = await end.openTab();
  const { page } = tab;
  const person = { name: 'Pat', email: 'pat@example.net', password: strongPassword };
  await tab.context.request.post('/api/v1/auth/sign-up', { data: person, headers: { origin: end.server.url } });
  await page.goto('/settings/sign-on');
  await page.getByText('Nobody else signs in here').waitFor();
  expect(await page.getByRole('button', { name: 'Connect a provider' }).count()).toBe(0);
  await expectClean(tab, 'sign-on-personal');
  await page.getByRole('button', { name: 'Create a team organisation' }).click();
  await page.getByRole('dialog', { name: 'Create an organisation' }).waitFor();
});

test('[K2.5] an owner connects a provider, proves the domain, and a colleague is led there by the address alone', async () => {
  const { page } = owner;
  await page.goto('/sign-in?next=/settings/sign-on');
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByText('No provider is connected').waitFor();
  await expectClean(owner, 'sign-on-empty');
  await page.getByRole('button', { name: 'Connect a provider' }).click();
  const dialog = page.getByRole('dialog', { name: 'Connect a provider' });
  await dialog.getByLabel(/^Name/).fill('Acme');
  await dialog.getByLabel(/^Issuer/).fill('http://id.example.com');
  await dialog.getByLabel(/^Client id/).fill(own.clientId);
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await dialog.getByText('starts with https://').waitFor();
  await expectClean(owner, 'sign-on-form');
  await dialog.getByLabel(/^Issuer/).fill(own.issuer);
  await dialog.getByLabel(/^Client secret/).fill(own.clientSecret);
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByRole('heading', { name: 'Acme' }).waitFor();
  own.allowRedirect(await page.getByText(/\/sign-on\/[0-9a-f-]{36}$/).innerText());
  await page.getByRole('button', { name: 'Test' }).click();
  await page.getByText('The provider answers').waitFor();
  await page.getByLabel(/^Domain/).fill('acme.example');
  await page.getByRole('button', { name: 'Add the domain' }).click();
  await page.getByText('Waiting for proof').first().waitFor();
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText('The TXT record was not found').waitFor();
  await expectClean(owner, 'sign-on-waiting');
  dns.txt.set('acme.example', [await page.getByText(/^bulkhead-verify=/).innerText()]);
  await page.getByRole('button', { name: 'Check now' }).click();
  await page.getByText('Verified', { exact: true }).waitFor();

  own.accounts.set('mia', { email: 'mia@acme.example', name: 'Mia' });
  const tab = await end.openTab({ device: 'phone' });
  await tab.page.goto('/sign-in');
  await tab.page.getByLabel('E-mail or username').fill('mia@acme.example');
  await tab.page.getByRole('button', { name: 'Continue with Acme' }).waitFor();
  await expectClean(tab, 'sign-on-organisation');
  await tab.page.getByRole('button', { name: 'Continue with Acme' }).click();
  await answerAtProvider(tab, 'mia');
  await tab.page.waitForURL((url) => url.pathname === '/');
  const session = await tab.context.request.get('/api/v1/session');
  expect(await session.json()).toMatchObject({ user: { email: 'mia@acme.example' }, role: 'member' });

  await page.reload();
  await page.getByText('Works', { exact: true }).waitFor();
  await page.getByRole('switch', { name: 'Members must sign in here' }).click();
  const enforce = page.getByRole('dialog', { name: 'Make this provider compulsory?' });
  await enforce.waitFor();
  await expectClean(owner, 'sign-on-enforce');
  await enforce.getByRole('button', { name: 'Make it compulsory' }).click();
  await page.getByText('Compulsory', { exact: true }).waitFor();
  await expectClean(owner, 'sign-on-connected');
});

test('[K2.5] signing out leads on to the provider, which ends its own session and sends the browser back', async () => {
  const { page } = owner;
  await page.goto('/settings/sign-on');
  await page.getByRole('button', { name: 'Edit' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit Acme' });
  await edit.getByRole('switch', { name: 'Sign out at the provider as well' }).click();
  await expectClean(owner, 'sign-on-edit');
  await edit.getByRole('button', { name: 'Save' }).click();
  await edit.waitFor({ state: 'detached' }); // saved: the next signing out leads there
  own.allowSignOut(
    await page.getByText(/backchannel-logout$/).innerText(),
    await page.getByText(`${end.server.url}/sign-in`, { exact: true }).innerText(),
  );
  const tab = await end.openTab({ device: 'phone' });
  await tab.page.goto('/sign-in');
  await tab.page.getByLabel('E-mail or username').fill('mia@acme.example');
  await tab.page.getByRole('button', { name: 'Continue with Acme' }).click();
  await answerAtProvider(tab, 'mia');
  await tab.page.waitForURL((url) => url.pathname === '/');
  await tab.page.getByRole('button', { name: /Account of/ }).click();
  await tab.page.getByRole('menuitem', { name: 'Sign out' }).click();
  await tab.page.getByRole('button', { name: 'Yes, sign me out' }).click();
  // The provider ends its own session and sends the browser back.
  await tab.page.waitForURL((url) => url.origin === end.server.url && url.pathname === '/sign-in');
  expect((await tab.context.request.get('/api/v1/session')).status()).toBe(401);
});

test('[K2.5] SAML is connected by its metadata, and what the other side needs can be copied', async () => {
  const { page } = owner;
  await page.goto('/settings/sign-on');
  await page.getByRole('button', { name: 'Connect a provider' }).click();
  const dialog = page.getByRole('dialog', { name: 'Connect a provider' });
  await dialog.getByText('SAML', { exact: true }).click();
  await dialog.getByLabel(/^Name/).fill('Old directory');
  await dialog.getByLabel(/^Metadata/).fill('<nonsense');
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await dialog.getByText(/metadata describes no identity provider/).waitFor();
  await expectClean(owner, 'sign-on-saml-form');
  await dialog.getByLabel(/^Metadata/).fill(createSamlProvider().metadata);
  await dialog.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByRole('heading', { name: 'Old directory' }).waitFor();
  await page.getByText(/CN=Test identity provider is good until 21/).waitFor();
  await page.getByText(`${end.server.url}/api/v1/auth/sign-on/saml`, { exact: true }).waitFor();
  await expectClean(owner, 'sign-on-saml');
  for (const [name, file] of [
    ['Download metadata', 'bulkhead-metadata.xml'],
    ['Download certificate for Old directory', 'bulkhead.cer'],
  ] as const) {
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name }).click()]);
    expect(download.suggestedFilename()).toBe(file);
  }
});
