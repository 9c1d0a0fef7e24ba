/** Agents in a real browser, against the scripted model: from an empty list to cited answers, on phone and desktop. */
import { splitWords, startModelServer, type ModelServer } from '#testing/model-server';
import { strongPassword, type Tenant } from '#testing/server';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { knowledgeFiles, markdownAnswer } from './agents-texts.ts';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let model: ModelServer;
let owner: Tenant;
let tab: Tab;
let page: Page;

beforeAll(async () => {
  model = await startModelServer({ apiKey: 'sk-e2e-0123456789' });
  end = await startEndToEnd({ environment: { MODEL_PRIVATE_NETWORKS: '127.0.0.0/8', LIMITS: roomyLimits } });
  owner = await end.server.signUpOwner();
  tab = await signIn();
  page = tab.page;
});

afterAll(async () => {
  await end?.[Symbol.asyncDispose]();
  await model?.close();
});

const roomyLimits = ['read', 'write', 'upload', 'conversation', 'chat']
  .map((name) => `agents.${name}=100000/60`)
  .join(',');

async function signIn(): Promise<Tab> {
  const opened = await end.openTab();
  await opened.page.goto('/sign-in?next=/agents');
  await opened.page.getByLabel('E-mail or username').fill('ada@example.com');
  await opened.page.getByLabel(/^Password \*?$/).fill(strongPassword);
  await opened.page.getByRole('button', { name: 'Sign in' }).click();
  await opened.page.getByRole('heading', { name: 'Agents', level: 1 }).waitFor();
  return opened;
}

async function expectClean(name: string, of: Tab = tab): Promise<void> {
  await of.page.mouse.move(0, 0); // a tooltip under it would be looked at too
  const { violations } = await inspect(of, `agents-${name}`);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(of.page), `${name} scrolls sideways`).toBe(false);
  expect(of.complaints, name).toEqual([]);
}

/** script makes the model say `text` word by word, `gapMs` apart; the last word waits for `holdLast`. */
function script(text: string, gapMs = 0, holdLast: Promise<unknown> = Promise.resolve()): void {
  const deltas = splitWords(text);
  model.setScript(() => ({ kind: 'answer', deltas, gapMs, holdLast, usage: { input: 10, output: deltas.length } }));
}

const composer = (of: Page = page) => of.getByRole('textbox', { name: /^Message to/ });

async function ask(question: string, of: Page = page): Promise<void> {
  await composer(of).fill(question);
  await composer(of).press('Enter');
}

function lastAnswer(of: Page = page) {
  return of.getByRole('article').last();
}

async function waitUntilDone(of: Page = page): Promise<void> {
  await of.locator('article[aria-busy="false"]').last().waitFor();
  await of.locator('article[aria-busy="true"]').waitFor({ state: 'detached' });
}

describe('making an agent', () => {
  test('[K17.5] the empty list teaches what an agent is and offers examples', async () => {
    await page.getByRole('heading', { name: 'Your first agent' }).waitFor();
    await expectClean('empty');
    await page.getByRole('link', { name: /Customer desk/ }).click();
    await page.getByRole('heading', { name: 'New agent' }).waitFor();
    expect(await page.getByLabel(/^Name/).inputValue()).toBe('Customer desk');
    await expectClean('new-offline');
  });

  test('[K17.5] a form that was filled in is not left by accident', async () => {
    await page.getByLabel(/^Name/).fill('Changed');
    await page.getByRole('link', { name: 'Home' }).first().click();
    await page.getByRole('dialog', { name: 'Leave without saving?' }).waitFor();
    await expectClean('leave');
    await page.getByRole('button', { name: 'Cancel' }).click();
    expect(await page.getByLabel(/^Name/).inputValue()).toBe('Changed');
  });

  test('[A1] a model is connected, chosen, tried and the agent created from the form', async () => {
    const { client } = owner;
    await client.expect(201, 'POST /model-connections', {
      body: { name: 'Scripted', kind: 'openai-compatible', baseUrl: `${model.url}/v1`, apiKey: 'sk-e2e-0123456789' },
    });
    await page.reload();
    await page.getByRole('combobox', { name: 'Connection' }).click();
    await page.getByRole('option', { name: 'Scripted' }).click();
    await page.getByText(/\d+ offered; any other name may be written/).waitFor();
    await page.getByRole('combobox', { name: /^Model/ }).fill('status-401');
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page
      .getByText(/refuses the key|key/i)
      .first()
      .waitFor();
    await page.getByRole('combobox', { name: /^Model/ }).fill('cite');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: 'Test', exact: true }).click();
    await page.getByText(/^Works: /).waitFor();
    await expectClean('new-tested');
    await page.getByRole('button', { name: 'Create the agent' }).click();
    await page.getByRole('heading', { name: 'Customer desk' }).waitFor();
    await page.getByText('No documents yet').waitFor();
    await expectClean('knowledge-empty');
  });
});

describe('knowledge', () => {
  test('[A3] text, Markdown and PDF are uploaded together and read; each file that is not says why', async () => {
    await page.locator('input[type=file]').setInputFiles(knowledgeFiles);
    await page.getByText('This kind of file is not read here').waitFor();
    await page.getByText('The file is empty.').waitFor();
    await page.getByText(/The file is not readable text|Only text, Markdown and PDF/).waitFor();
    await page.getByText(/A scanned PDF needs text recognition/).waitFor();
    await page.getByText(/protected by a password/).waitFor();
    await expect.poll(() => page.getByText('Ready', { exact: true }).count()).toBe(3);
    await expectClean('knowledge');
  });

  test('[A3] the passages of a document can be looked at', async () => {
    await page.getByRole('button', { name: 'Passages of handbook.md' }).click();
    await page.getByRole('dialog').getByText('Parcels arrive within five working days.').waitFor();
    await expectClean('passages');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  test('[A3] a document is deleted after being asked about', async () => {
    await page.getByRole('button', { name: 'Delete scan.pdf' }).click();
    await expectClean('delete-document');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByText('scan.pdf', { exact: true }).waitFor({ state: 'detached' });
    await page.getByRole('link', { name: 'Knowledge (4)' }).waitFor();
  });
});

describe('chat', () => {
  test('[A4] [A6] a question is answered with citations that open the passage', async () => {
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await page.getByText('Hello! Ask me about orders, delivery or returns.').waitFor();
    await expectClean('chat-new');
    await page.getByRole('button', { name: 'How long does delivery take?' }).click();
    await waitUntilDone();
    expect(await lastAnswer().innerText()).toContain('Parcels arrive within five working days.');
    await page.getByRole('heading', { name: 'How long does delivery take?', level: 1 }).waitFor();
    await expect.poll(() => page.title()).toContain('How long does delivery take?');
    await expectClean('chat-answer');
    await lastAnswer()
      .getByRole('button', { name: /^Source 1: handbook/ })
      .click();
    const drawer = page.getByRole('dialog', { name: /Source 1: handbook/ });
    await drawer.locator('mark', { hasText: 'Parcels arrive within five working days.' }).waitFor();
    await expectClean('chat-passage');
    await page.keyboard.press('Escape');
    await drawer.waitFor({ state: 'detached' });
  });

  test('[A6] words stream, Stop keeps what was written, Regenerate answers anew', async () => {
    script('one two three four five six seven eight nine ten '.repeat(100), 80); // outlasts a long look on a busy machine
    await ask('Count for me');
    await lastAnswer().getByText('one two three').waitFor();
    expect(await lastAnswer().getAttribute('aria-busy')).toBe('true');
    await expectClean('chat-streaming');
    await page.getByRole('button', { name: 'Stop' }).click();
    await lastAnswer().getByText('Stopped').waitFor();
    expect(await lastAnswer().innerText()).toContain('one two three');
    await expectClean('chat-stopped');
    script(markdownAnswer);
    await page.getByRole('button', { name: 'Regenerate' }).click();
    await lastAnswer().getByRole('table').waitFor();
    await waitUntilDone();
    expect(await page.getByText('one two three').count()).toBe(0);
    await expectClean('chat-markdown');
  });

  test('[K12.2] a reload in mid-answer shows the whole answer', async () => {
    const text = Array.from({ length: 150 }, (_, index) => `word${index}`).join(' ');
    script(text, 20);
    await ask('Say all the words');
    await lastAnswer().getByText('word20').waitFor();
    await page.reload();
    await waitUntilDone();
    expect(await answerText()).toBe(text);
  });

  test('[K12.1] text typed but not sent survives a reload', async () => {
    await composer().fill('half a thought\nand a second line');
    await page.reload();
    await expect.poll(() => composer().inputValue()).toBe('half a thought\nand a second line');
    await composer().fill('');
  });

  test('[K12.4] a second tab follows the same answer; asking there meanwhile keeps the text', async () => {
    const second = await tab.context.newPage();
    await second.goto(page.url());
    await second.getByRole('textbox', { name: /^Message to/ }).waitFor();
    const text = Array.from({ length: 120 }, (_, index) => `both${index}`).join(' ');
    const asked = Promise.withResolvers<void>();
    script(text, 20, asked.promise);
    await ask('Say it in both tabs');
    await lastAnswer(second).getByText('both10').waitFor();
    await ask('kept', second);
    expect(await second.getByRole('textbox', { name: /^Message to/ }).inputValue()).toBe('kept');
    asked.resolve();
    await waitUntilDone(second);
    expect(await answerText(second)).toBe(text);
    await waitUntilDone();
    await second.getByRole('textbox', { name: /^Message to/ }).fill('');
    await second.close();
  });

  test('[K12.4] asking while another device is being answered keeps the text and shows that answer', async () => {
    const conversationId = new URL(page.url()).pathname.split('/').at(-1);
    const text = Array.from({ length: 100 }, (_, index) => `other${index}`).join(' ');
    const refused = Promise.withResolvers<void>();
    script(text, 20, refused.promise);
    // What the page still reads of the answer before must not tell it of this one.
    await page.route('**/messages*', async (route) => {
      if (route.request().method() === 'GET') await refused.promise;
      await route.continue();
    });
    await owner.client.expect(202, `POST /conversations/${conversationId}/messages`, {
      body: { text: 'From my phone' },
    });
    await ask('From my desk');
    await page.getByRole('alert').getByText('An answer is still being written').waitFor();
    refused.resolve();
    expect(await page.getByRole('textbox', { name: /^Message to/ }).inputValue()).toBe('From my desk');
    await page.getByText('From my phone', { exact: true }).waitFor();
    await lastAnswer().getByText('other5').waitFor();
    await waitUntilDone();
    expect(await answerText()).toBe(text);
    await page.unroute('**/messages*');
    script('Now you.');
    await page.getByRole('textbox', { name: /^Message to/ }).press('Enter');
    await lastAnswer().getByText('Now you.').waitFor();
    await waitUntilDone();
  });

  test('[K17.5] nothing jumps while an answer is written and when it ends', async () => {
    await page.evaluate(`window.heights = []; (function look(list) {
      window.heights.push(list.scrollHeight);
      if (list.isConnected) requestAnimationFrame(() => look(list));
    })(document.querySelector('[aria-label="Messages"]'))`);
    script(`Some words.\n\n${'More words in a second paragraph. '.repeat(20)}`, 15);
    await ask('Do not jump');
    await lastAnswer().getByText('Some words.').waitFor();
    await waitUntilDone();
    await lastAnswer().getByRole('button', { name: 'Copy' }).waitFor();
    const heights = await page.evaluate<number[]>('window.heights');
    const before = heights[0] ?? 0;
    expect(heights.at(-1)).toBeGreaterThan(before + 100);
    // The buttons take the place of the progress row, the words that of nothing: the list only ever grows.
    expect(heights.filter((height, index) => height < (heights[index - 1] ?? before))).toEqual([]);
  });

  test('[K6.2] an answer that failed says why, and trying again mends it', async () => {
    model.setScript(() => ({ kind: 'error', status: 401, message: 'Incorrect API key' }));
    await ask('Will this fail?');
    await lastAnswer().getByText('This answer failed').waitFor();
    await expectClean('chat-failed');
    script('It works again.');
    await page.getByRole('button', { name: 'Try again' }).click();
    await lastAnswer().getByText('It works again.').waitFor();
    await waitUntilDone();
  });

  test('[A6] a reader who scrolled up is left alone and offered the way back', async () => {
    script('line\n\n'.repeat(120), 10);
    await ask('Many lines');
    const box = page.getByRole('region', { name: 'Conversation' });
    await expect.poll(() => lastAnswer().innerText()).toContain('line\n\nline');
    await box.hover();
    await page.mouse.wheel(0, -600);
    await page.getByRole('button', { name: 'Jump to latest' }).waitFor();
    const top = await box.evaluate(waitUntilStill);
    await waitUntilDone();
    expect(await box.evaluate(waitUntilStill)).toBe(top);
    await page.getByRole('button', { name: 'Jump to latest' }).click();
    await page.getByRole('button', { name: 'Jump to latest' }).waitFor({ state: 'detached' });
  });
});

/** waitUntilStill is where a box stands once it has stood there for some frames: a wheel's scrolling takes a few. */
function waitUntilStill(element: { readonly scrollTop: number }): Promise<number> {
  return new Promise((resolve) => {
    let { scrollTop } = element;
    let frames = 0;
    const look = () => {
      frames = element.scrollTop === scrollTop ? frames + 1 : 0;
      scrollTop = element.scrollTop;
      if (frames === 10) resolve(scrollTop);
      else requestAnimationFrame(look);
    };
    look();
  });
}

async function answerText(of: Page = page): Promise<string> {
  return (await lastAnswer(of).locator('p').allInnerTexts()).join('\n');
}

describe('conversations', () => {
  test('[A6] they are listed, searched, renamed in place and deleted', async () => {
    const list = page.getByRole('list', { name: 'Conversations' });
    await list.getByRole('link', { name: /How long does delivery take/ }).waitFor();
    await page.getByRole('link', { name: 'New chat' }).click();
    await page.getByText('Hello! Ask me about orders, delivery or returns.').waitFor();
    script('Second conversation.');
    await ask('Something else entirely');
    await waitUntilDone();
    await expect.poll(() => list.getByRole('listitem').count()).toBe(2);
    await page.getByRole('textbox', { name: 'Search conversations' }).fill('entirely');
    await expect.poll(() => list.getByRole('listitem').count()).toBe(1);
    await page.getByRole('textbox', { name: 'Search conversations' }).fill('no such words');
    await page.getByText('Nothing found for').waitFor();
    await page.getByRole('button', { name: 'Clear the search' }).click();
    await page.getByRole('button', { name: 'More for Something else entirely' }).click();
    await page.getByRole('menuitem', { name: 'Rename' }).click();
    await page.getByRole('textbox', { name: 'New title' }).fill('Renamed');
    await page.getByRole('textbox', { name: 'New title' }).press('Enter');
    await page.getByRole('heading', { name: 'Renamed', level: 1 }).waitFor();
    await expectClean('chat-list');
    await page.getByRole('button', { name: 'More for Renamed' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await expectClean('chat-delete');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Customer desk', level: 1 }).waitFor();
    await expect.poll(() => list.getByRole('listitem').count()).toBe(1);
  });

  test('[K17.5] on a phone the list is a drawer', async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.getByRole('button', { name: 'Conversations' }).click();
    const drawer = page.getByRole('dialog', { name: 'Conversations' });
    await drawer.getByRole('link', { name: /How long does delivery take/ }).click();
    await drawer.waitFor({ state: 'detached' });
    await page.getByRole('heading', { name: 'How long does delivery take?' }).waitFor();
    await page.setViewportSize({ width: 1280, height: 800 });
  });
});

describe('settings', () => {
  test('[A1] two who change one agent at once: the second is asked, and loses nothing', async () => {
    await page.getByRole('link', { name: 'Settings of Customer desk' }).click();
    await page.getByLabel(/^Description/).fill('Mine');
    await expectClean('settings');
    const { client } = owner;
    const [{ id }] = (await client.expect(200, 'GET /agents')).json.items;
    await client.expect(200, `PATCH /agents/${id}`, { body: { revision: 1, greeting: 'Theirs' } });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('Somebody else changed this agent').waitFor();
    await expectClean('settings-conflict');
    await page.getByRole('button', { name: 'Keep my changes' }).click();
    await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
    const agent = (await client.expect(200, `GET /agents/${id}`)).json;
    expect(agent).toMatchObject({ description: 'Mine', greeting: 'Theirs' });
    await expect.poll(() => page.getByLabel('Greeting').inputValue()).toBe('Theirs');
  });

  test('[K11.2] the offline agent quotes its documents and says that it is no language model', async () => {
    await page.getByRole('combobox', { name: 'Connection' }).click();
    await page.getByRole('option', { name: 'Offline (built in)' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByRole('status').getByText('Saved', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Chat', exact: true }).click();
    await ask('How long does the warranty of the frame last?');
    await waitUntilDone();
    await lastAnswer().getByText('Quoted from your documents, no language model').waitFor();
    await lastAnswer().getByText('The warranty of the frame lasts ten years.').waitFor();
    await expectClean('chat-offline');
    await page.getByRole('list', { name: 'Sources' }).getByRole('button').first().click();
    await page.getByRole('dialog').locator('mark').waitFor();
    await page.keyboard.press('Escape');
  });

  test('[A1] the list shows agents with their figures; one is deleted with everything', async () => {
    await page.goto('/agents');
    await page.getByText('4 documents').waitFor();
    await page.getByText('2 conversations').waitFor();
    await expectClean('list');
    await page.getByRole('link', { name: 'Change Customer desk' }).click();
    await page.getByRole('button', { name: 'More for Customer desk' }).click();
    await page.getByRole('menuitem', { name: 'Delete…' }).click();
    await expectClean('delete-agent');
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { name: 'Your first agent' }).waitFor();
  });
});
