/** What a person at a chat sees of failures: a killed server and a cut network are a pause in an answer, never a loss. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { splitWords } from '#testing/model-server';
import { strongPassword } from '#testing/server';
import { startWholeServer, type WholeServer } from '#testing/whole-server';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareWeb, startBrowser, type EndToEndBrowser, type Tab } from './harness.ts';

let whole: WholeServer;
let wire: Wire;
let browser: EndToEndBrowser;
let tab: Tab;

beforeAll(async () => {
  await prepareWeb();
  whole = await startWholeServer();
  wire = await startWire(Number(new URL(whole.url).port));
  browser = await startBrowser(wire.url);
  tab = await browser.openTab();
  const { json: agent } = await whole.client.expect(201, 'POST /agents', {
    body: { name: 'Talker', model: { connectionId: whole.connectionId, model: 'echo' } },
  });
  await tab.page.goto(`/sign-in?next=/agents/${agent.id}/chat`);
  await tab.page.getByLabel('E-mail or username').fill('ada@example.com');
  await tab.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await tab.page.getByRole('button', { name: 'Sign in' }).click();
  await tab.page.getByRole('textbox', { name: 'Message to Talker' }).waitFor();
});

afterAll(async () => {
  await browser?.[Symbol.asyncDispose]();
  await wire?.[Symbol.asyncDispose]();
  await whole?.[Symbol.asyncDispose]();
});

interface Wire extends AsyncDisposable {
  readonly url: string;
  /** Ends every connection and takes no new one, until `mend`. */
  cut(): void;
  mend(): void;
}

/** startWire stands between browser and server as a network does. */
async function startWire(port: number): Promise<Wire> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.destroy();
      return;
    }
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(from);
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
      from.on('error', () => undefined); // a broken connection is what this is for
      from.pipe(to);
    }
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = () => {
    isCut = true;
    for (const socket of open) socket.destroy();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut,
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      cut();
      server.close();
      await once(server, 'close');
    },
  };
}

/** talk makes the model say numbered words, 20 ms apart, and asks for them; the last word waits for `holdLast`. */
async function talk(word: string, count: number, holdLast: Promise<unknown> = Promise.resolve()): Promise<string> {
  const text = Array.from({ length: count }, (_, index) => `${word}${index}`).join(' ');
  whole.models.setScript(() => ({ kind: 'answer', deltas: splitWords(text), gapMs: 20, holdLast }));
  const field = tab.page.getByRole('textbox', { name: 'Message to Talker' });
  await field.fill(`Say ${word}`);
  await field.press('Enter');
  return text;
}

const lastAnswer = () => tab.page.getByRole('article').last();

async function expectWhole(text: string): Promise<void> {
  const answer = async () => (await lastAnswer().locator('p').allInnerTexts()).join('\n');
  await expect.poll(answer, { timeout: 60_000 }).toBe(text);
  await tab.page.locator('article[aria-busy="true"]').waitFor({ state: 'detached' });
  expect(await answer()).toBe(text);
}

test('[K12.2] a cut network shows quietly, costs nothing, and the answer goes on from where it was', async () => {
  const seen = Promise.withResolvers<void>();
  const text = await talk('cut', 200, seen.promise); // not over before it is cut, however slow the page
  await lastAnswer().getByText('cut10').waitFor();
  wire.cut();
  await lastAnswer().getByText('Reconnecting…').waitFor();
  seen.resolve();
  expect(await lastAnswer().innerText()).toContain('cut10');
  wire.mend();
  await expectWhole(text);
  expect(await tab.page.getByRole('alert').count()).toBe(0);
});

test('[K12.2] a network that is back only after the answer has ended still shows the whole of it', async () => {
  const cut = Promise.withResolvers<void>();
  const text = await talk('late', 60, cut.promise);
  await lastAnswer().getByText('late5').waitFor();
  wire.cut();
  cut.resolve();
  await expect.poll(() => whole.models.openStreams).toBe(0);
  wire.mend();
  await expectWhole(text);
});

test('[K12.1] what cannot be sent is back in the field with the reason, and is sent once the network is back', async () => {
  const field = tab.page.getByRole('textbox', { name: 'Message to Talker' });
  whole.models.setScript(null);
  wire.cut();
  await field.fill('an important question');
  await tab.page.keyboard.press('Enter');
  await tab.page.getByText('The server cannot be reached').first().waitFor();
  await expect.poll(() => field.inputValue()).toBe('an important question'); // others may have heard before
  wire.mend();
  await field.press('Enter');
  await expectWhole('an important question');
  const conversationId = new URL(tab.page.url()).pathname.split('/').at(-1);
  const { json } = await whole.client.expect(200, `GET /conversations/${conversationId}/messages`);
  const sent = json.items.filter((message: { text: string; role: string }) => message.role === 'user');
  expect(sent.map((message: { text: string }) => message.text)).toEqual([
    'Say cut',
    'Say late',
    'an important question',
  ]);
});

test('[K12.3] a server killed in mid-answer and started again shows the whole answer in the page that was open', async () => {
  const killed = Promise.withResolvers<void>();
  const text = await talk('kill', 200, killed.promise);
  await lastAnswer().getByText('kill20').waitFor();
  whole.process.kill('SIGKILL');
  killed.resolve();
  await lastAnswer().getByText('Reconnecting…').waitFor();
  await whole.startAgain();
  await expectWhole(text);
  await tab.page.reload();
  await expectWhole(text);
  expect(tab.complaints).toEqual([]);
});
