/** Texts at and beyond their bounds, in any script, come back exactly as written or are refused with a pointer. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createAgent,
  createConversation,
  say,
  startAgents,
  uploadAndRead,
  waitForAnswer,
  type AgentsFixture,
} from '../testing/agents-fixture.ts';

let fixture: AgentsFixture;
beforeAll(async () => {
  fixture = await startAgents();
});
afterAll(() => fixture?.[Symbol.asyncDispose]());

const rightToLeft = 'שלום עולם — مرحبا بالعالم \u200f(42)\u200f';
const family = '👨‍👩‍👧‍👦';

describe('[K2.2] [K5.1] a password', () => {
  test.each([
    ['of 1,001 characters', 1_001, 400, 'INVALID_REQUEST'],
    ['of 900,000 characters', 900_000, 413, 'PAYLOAD_TOO_LARGE'],
  ])('%s is refused quickly and clearly, wherever one is asked for', async (_what, length, expected, code) => {
    const password = 'Aa1!'.repeat(Math.ceil(length / 4)).slice(0, length);
    const { anonymous } = fixture.server;
    const person = { name: 'Long', email: 'long@example.org', password };
    const asked = [
      ['/body/password', () => anonymous.ask('POST /auth/sign-up', { body: person })],
      [
        '/body/password',
        () => anonymous.ask('POST /auth/sign-in', { body: { identifier: 'ada@example.com', password } }),
      ],
      [
        '/body/newPassword',
        () => fixture.client.ask('POST /profile/password', { body: { currentPassword: 'x', newPassword: password } }),
      ],
    ] as const;
    for (const [pointer, ask] of asked) {
      const startedAt = performance.now();
      const { status, json } = await ask();
      expect({ status, code: json.code }).toEqual({ status: expected, code });
      if (expected === 400)
        expect(json.errors).toMatchObject([{ pointer, detail: expect.stringContaining('1000') as string }]);
      expect(performance.now() - startedAt).toBeLessThan(10_000);
    }
  });

  test('of 1,000 characters in any script is taken, and signs in', async () => {
    const password = `Пароль-1!${'ж'.repeat(991)}`;
    await fixture.server.anonymous.expect(201, 'POST /auth/sign-up', {
      body: { name: 'Long', email: 'long@example.org', password },
    });
    await fixture.server.anonymous.expect(200, 'POST /auth/sign-in', {
      body: { identifier: 'long@example.org', password },
    });
  });
});

describe('[K5.1] a name', () => {
  test('of 1,000 characters of any script is a 400 that points at it', async () => {
    for (const letter of ['Ω', '漢', 'א', '😀']) {
      const { status, json } = await fixture.client.ask('POST /agents', { body: { name: letter.repeat(1_000) } });
      expect({ status, errors: json.errors }).toMatchObject({ status: 400, errors: [{ pointer: '/body/name' }] });
    }
  });

  test.each([
    ['right to left', rightToLeft],
    ['of families', family.repeat(7)],
    ['with combining marks', 'Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A̴̵̜̰͔ͫ͗͢'],
    ['that looks like code', "<script>alert(1)</script> '; drop table x; -- ${7*7} {{7*7}}"],
    ['of one character', '漢'],
  ])('%s comes back exactly as written', async (_what, name) => {
    const agent = await createAgent(fixture.client, { name });
    expect((await fixture.client.expect(200, `GET /agents/${agent.id}`)).json.name).toBe(name);
    const { json } = await fixture.client.expect(200, 'GET /agents?limit=200');
    expect(json.items.map((item: { name: string }) => item.name)).toContain(name);
  });
});

describe('[A6] a conversation', () => {
  test('keeps 32,000 characters of any script exactly, one more is a 400', async () => {
    const agent = await createAgent(fixture.client);
    const text = `${rightToLeft}${family}`.repeat(1_000).slice(0, 31_998).toWellFormed().concat('…!');
    const conversation = await createConversation(fixture.client, agent.id);
    await waitForAnswer(fixture.client, await say(fixture.client, conversation.id, text));
    const { json } = await fixture.client.expect(200, `GET /conversations/${conversation.id}/messages`);
    expect(json.items[0].text).toBe(text);
    const refused = await fixture.client.ask(`POST /conversations/${conversation.id}/messages`, {
      body: { text: 'x'.repeat(32_001) },
    });
    expect(refused.json).toMatchObject({ status: 400, errors: [{ pointer: '/body/text' }] });
  });

  test('is named in 50 characters at most and never after half a character, wherever the cut falls', async () => {
    const agent = await createAgent(fixture.client);
    const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });
    const wholes = new Set([...segments.segment(`x\`a😀…${family}`)].map(({ segment }) => segment));
    const questions = [
      ...[46, 47, 48, 49, 50].flatMap((count) => [
        `${'x'.repeat(count)}${'😀'.repeat(20)}`,
        `${'x'.repeat(count)}${family.repeat(9)}`,
      ]),
      '😀'.repeat(300),
      family.repeat(60),
      // The first thousand code units end inside the emoji; what is before it is Markdown that is left out.
      `\`\`\`${'a'.repeat(993)}\`\`\`${'😀'.repeat(5)}`,
      `${'`'.repeat(3)}${'a'.repeat(992)}${'`'.repeat(3)}x${'😀'.repeat(5)}`,
    ];
    for (const question of questions) {
      const conversation = await createConversation(fixture.client, agent.id);
      await waitForAnswer(fixture.client, await say(fixture.client, conversation.id, question));
      const { title } = (await fixture.client.expect(200, `GET /conversations/${conversation.id}`)).json as {
        title: string;
      };
      const characters = [...segments.segment(title)].map(({ segment }) => segment);
      expect(title).not.toContain('\ufffd');
      expect(title).not.toBe('');
      expect(characters.length).toBeLessThanOrEqual(50);
      expect(characters.filter((character) => !wholes.has(character))).toEqual([]);
    }
  });
});

test('[K5.3] a file name of 1,000 characters, right to left or of emoji, is kept readable and whole', async () => {
  const agent = await createAgent(fixture.client);
  for (const name of [
    `${'漢'.repeat(1_000)}.md`,
    `${'😀'.repeat(500)}.md`,
    `${rightToLeft}.txt`,
    `../../etc/${family}.txt`,
  ]) {
    const document = await uploadAndRead(fixture.client, agent.id, name, 'Some text.');
    expect(document).toMatchObject({ state: 'ready' });
    expect(document.filename).not.toMatch(/[\ufffd/\\]/);
    expect(document.filename.isWellFormed()).toBe(true);
    expect(Array.from(document.filename).length).toBeLessThanOrEqual(200);
  }
});

test('[K5.3] a file without a name is a 400 that says what to send, wherever files are taken', async () => {
  const agent = await createAgent(fixture.client);
  const pictures = ['PUT /profile/picture', 'PUT /organisation/picture'];
  for (const path of [...pictures, `POST /agents/${agent.id}/documents`, 'POST /imports']) {
    for (const type of ['', 'text/plain']) {
      const answer = await fixture.client.upload(path, { name: '', type, bytes: 'nameless' });
      expect([path, type, answer.status, answer.json.code]).toEqual([path, type, 400, 'INVALID_REQUEST']);
      expect(answer.json.errors).toEqual([{ pointer: '/body', detail: expect.stringContaining('name of the file') }]);
    }
  }
});
