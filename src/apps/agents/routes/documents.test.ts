/** Knowledge: what can be read is read and found, what cannot says why, and neither leaves anything behind. */
import { request } from 'node:http';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  createAgent,
  startAgents,
  uploadAndRead,
  waitFor,
  waitForDocument,
  type AgentsFixture,
} from '../../../testing/agents-fixture.ts';
import { asAdmin } from '../../../testing/as-admin.ts';
import { makePdf } from '../../../testing/make-pdf.ts';
import type { Agent, Passage } from '../contract.ts';
import { readDocument } from '../knowledge/read-document.ts';
import { searchPassages } from '../knowledge/search-passages.ts';
import { sweepAgents } from '../workflows/sweep.ts';
import { cleanFilename } from '../knowledge/store-document.ts';

let fixture: AgentsFixture;
let agent: Agent;
beforeAll(async () => {
  fixture = await startAgents({ environment: { UPLOAD_MAX_MB: '2' } });
  agent = await createAgent(fixture.client);
});
afterAll(() => fixture[Symbol.asyncDispose]());

const passagesOf = async (documentId: string): Promise<Passage[]> =>
  (await fixture.client.expect(200, `GET /documents/${documentId}/passages`)).json.items;

const storedFiles = async (): Promise<number> => {
  const folder = join(fixture.server.services.config.dataDir, 'objects');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).length;
};

const search = (agentId: string, question: string, previousQuestion?: string) =>
  fixture.server.services.db.withTenant(fixture.owner.principal, (tx) =>
    searchPassages(tx, { agentId, question, previousQuestion }),
  );

test('[A3] Markdown, text and PDF are read into passages with headings and pages, and counted', async () => {
  const { client } = fixture;
  const own = await createAgent(client);
  const markdown = await uploadAndRead(client, own.id, 'guide.md', '# Guide\n\n## Shipping\n\nFive days.');
  expect(markdown).toMatchObject({
    state: 'ready',
    progress: 100,
    passageCount: 1,
    contentType: 'text/markdown',
    title: 'guide',
    error: null,
  });
  expect((await passagesOf(markdown.id))[0]).toMatchObject({
    position: 0,
    headings: ['Guide', 'Shipping'],
    text: 'Five days.',
    page: null,
  });
  const pdf = await uploadAndRead(client, own.id, 'terms.PDF', makePdf(['Page one.', 'Page two.']));
  expect(pdf).toMatchObject({ state: 'ready', contentType: 'application/pdf', pageCount: 2, passageCount: 2 });
  expect((await passagesOf(pdf.id)).map((passage) => passage.page)).toEqual([1, 2]);
  expect((await client.expect(200, `GET /agents/${own.id}`)).json.documentCount).toBe(2);
  const { json } = await client.expect(200, `GET /agents/${own.id}/documents`);
  expect(json.items.map((item: { id: string }) => item.id)).toEqual([pdf.id, markdown.id]);
});

test('[A4] a passage opens with its document and its neighbours', async () => {
  const { client } = fixture;
  const document = await uploadAndRead(client, agent.id, 'steps.md', '# One\n\na\n\n# Two\n\nb\n\n# Three\n\nc');
  const [first, second, third] = await passagesOf(document.id);
  const { json } = await client.expect(200, `GET /passages/${second!.id}`);
  expect(json).toMatchObject({
    text: 'b',
    documentTitle: 'steps',
    agentId: agent.id,
    previousPassageId: first!.id,
    nextPassageId: third!.id,
  });
  expect((await client.expect(200, `GET /passages/${third!.id}`)).json.nextPassageId).toBeNull();
});

test.each([
  ['an encrypted PDF', 'locked.pdf', () => makePdf(['x'], { isEncrypted: true }), 'DOCUMENT_ENCRYPTED', /password/],
  ['a scanned PDF', 'scan.pdf', () => makePdf(['']), 'DOCUMENT_HAS_NO_TEXT', /OCR/],
  ['a damaged PDF', 'broken.pdf', () => new Uint8Array(Buffer.from('%PDF-1.4 broken')), 'DOCUMENT_DAMAGED', /damaged/],
  [
    'text in an unknown encoding',
    'koi8.txt',
    () => new Uint8Array(Array.from({ length: 300 }, (_, at) => (at % 6 === 0 ? 32 : 0xc0 + (at % 32)))),
    'DOCUMENT_NOT_TEXT',
    /UTF-8/,
  ],
  ['a file of white space', 'blank.txt', () => '\n \n\t\n', 'DOCUMENT_HAS_NO_TEXT', /no text/],
])('[A3] %s fails with a reason a person can act on, and has no passages', async (_what, name, make, code, detail) => {
  const document = await uploadAndRead(fixture.client, agent.id, name, make());
  expect(document).toMatchObject({ state: 'failed', passageCount: 0, error: { code, isRetryable: false } });
  expect(document.error!.detail).toMatch(detail);
  expect(await passagesOf(document.id)).toEqual([]);
});

test.each([
  [
    'a picture with a text’s name',
    new Uint8Array(Buffer.from('89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c489', 'hex')),
    415,
    'DOCUMENT_TYPE_UNSUPPORTED',
  ],
  ['an empty file', '', 422, 'DOCUMENT_EMPTY'],
  ['a program', new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0, 0, 0]), 415, 'DOCUMENT_TYPE_UNSUPPORTED'],
  ['bytes that are no text', new Uint8Array([1, 2, 3, 0, 4, 5, 6]), 422, 'DOCUMENT_NOT_TEXT'],
])('[K5.3] %s is refused at once and leaves nothing', async (_what, bytes, status, code) => {
  const before = await storedFiles();
  const answer = await fixture.client.upload(`POST /agents/${agent.id}/documents`, {
    name: 'notes.txt',
    type: 'text/plain',
    bytes,
  });
  expect(answer.json).toMatchObject({ status, code });
  expect(await storedFiles()).toBe(before);
});

test('[K5.1] a 200 MB file is refused by its declared length, before it is sent', async () => {
  const before = await storedFiles();
  const { port } = new URL(fixture.server.url);
  const status = await new Promise<number>((resolve, reject) => {
    const headers = {
      cookie: fixture.client.cookie,
      'sec-fetch-site': 'same-origin',
      'content-type': 'multipart/form-data; boundary=xx',
      'content-length': String(200 * 1_048_576),
    };
    const asked = request(
      { host: '127.0.0.1', port, method: 'POST', path: `/api/v1/agents/${agent.id}/documents`, headers },
      (response) => {
        resolve(response.statusCode ?? 0);
        asked.destroy();
      },
    );
    asked.on('error', reject);
    asked.flushHeaders();
  });
  expect(status).toBe(413);
  expect(await storedFiles()).toBe(before);
});

test('[K5.1] a file that turns out too large on the way is refused and leaves nothing', async () => {
  const before = await storedFiles();
  const { port } = new URL(fixture.server.url);
  const answer = await new Promise<{ status: number; text: string }>((resolve, reject) => {
    const headers = {
      cookie: fixture.client.cookie,
      'sec-fetch-site': 'same-origin',
      'content-type': 'multipart/form-data; boundary=xx',
      'transfer-encoding': 'chunked',
    };
    const asked = request(
      { host: '127.0.0.1', port, method: 'POST', path: `/api/v1/agents/${agent.id}/documents`, headers },
      (response) => {
        let text = '';
        response.on('data', (piece) => (text += piece));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      },
    );
    asked.on('error', reject);
    asked.write(
      '--xx\r\ncontent-disposition: form-data; name="file"; filename="big.txt"\r\ncontent-type: text/plain\r\n\r\n',
    );
    for (let megabyte = 0; megabyte < 4; megabyte += 1) asked.write(Buffer.alloc(1_048_576, 'text '));
    asked.end('\r\n--xx--\r\n');
  });
  expect(answer.status).toBe(413);
  expect(JSON.parse(answer.text).detail).toContain('2 MiB');
  expect(await storedFiles()).toBe(before);
  const { json } = await fixture.client.expect(200, `GET /agents/${agent.id}/documents?limit=200`);
  expect(json.items.map((item: { filename: string }) => item.filename)).not.toContain('big.txt');
});

test('[K13.1] deleting a document deletes its passages and its file', async () => {
  const { client, server } = fixture;
  const document = await uploadAndRead(client, agent.id, 'gone.txt', 'Soon gone.');
  const before = await storedFiles();
  const [passage] = await passagesOf(document.id);
  await client.expect(204, `DELETE /documents/${document.id}`);
  await client.expect(404, `DELETE /documents/${document.id}`);
  expect((await client.ask(`GET /passages/${passage!.id}`)).json.code).toBe('PASSAGE_NOT_FOUND');
  await waitFor('the file to be gone', async () => (await storedFiles()) < before);
  const records = await asAdmin(server.database, (query) =>
    query<{ action: string }>('select action from kernel.audit_records where resource = $1 order by sequence', [
      `document:${document.id}`,
    ]),
  );
  expect(records.map((record) => record.action)).toEqual(['agents.document.create', 'agents.document.delete']);
});

test('[A3] a failed document can be read again, a ready one need not', async () => {
  const { client, server } = fixture;
  const document = await uploadAndRead(client, agent.id, 'again.txt', 'Readable after all.');
  expect((await client.ask(`POST /documents/${document.id}/retry`)).json).toMatchObject({
    status: 409,
    code: 'DOCUMENT_NOT_FAILED',
  });
  await asAdmin(server.database, (query) =>
    query(`update app_agents.documents set state = 'failed', error_code = 'DOCUMENT_UNREADABLE' where id = $1`, [
      document.id,
    ]),
  );
  const { json: failed } = await client.expect(200, `GET /documents/${document.id}`);
  expect(failed.error).toMatchObject({ code: 'DOCUMENT_UNREADABLE', isRetryable: true });
  expect((await client.expect(202, `POST /documents/${document.id}/retry`)).json.state).toBe('queued');
  expect(await waitForDocument(client, document.id)).toMatchObject({ state: 'ready', passageCount: 1, error: null });
  expect(await passagesOf(document.id)).toHaveLength(1);
});

test('[K12.3] a document whose job was lost in a crash is found by the sweep and read once', async () => {
  const { client, server } = fixture;
  const document = await uploadAndRead(client, agent.id, 'lost.txt', 'Was lost.');
  // As after a crash between the commit and the start: queued for a minute, half of an earlier reading left over.
  await asAdmin(server.database, (query) =>
    query(
      `update app_agents.documents set state = 'queued', generation = 2, updated_at = now() - interval '1 minute' where id = $1`,
      [document.id],
    ),
  );
  await Promise.all([sweepAgents(server.services), sweepAgents(server.services)]);
  expect(await waitForDocument(client, document.id)).toMatchObject({ state: 'ready', passageCount: 1 });
  expect(await passagesOf(document.id)).toHaveLength(1);
});

test('[K12.3] a reading that died half way is done again, without its leftovers and without doubling', async () => {
  const { client, server, owner } = fixture;
  const document = await uploadAndRead(client, agent.id, 'half.md', '# One\n\na\n\n# Two\n\nb');
  const { tenantId } = owner.principal;
  const age = (interval: string) =>
    asAdmin(server.database, (query) =>
      query(
        `update app_agents.documents set state = 'processing', passage_count = 1, updated_at = now() - $2::interval where id = $1`,
        [document.id, interval],
      ),
    );
  // As if killed after the first batch: the job is recovered and the same generation is read again.
  await age('1 second');
  await asAdmin(server.database, (query) =>
    query(`update app_agents.passages set text = 'leftover' where document_id = $1 and position = 0`, [document.id]),
  );
  const again = await readDocument(server.services, { tenantId, documentId: document.id, generation: 1 });
  expect(again).toEqual({ passageCount: 2, errorCode: null });
  expect((await passagesOf(document.id)).map(({ text }) => text)).toEqual(['a', 'b']);
  // As if its job had died with it: after an hour of silence it becomes a new generation, and the old one is outdated.
  await age('2 hours');
  await sweepAgents(server.services);
  const { json } = await client.expect(200, `GET /documents/${document.id}`);
  expect(json.state).toBe('queued');
  const outdated = await readDocument(server.services, { tenantId, documentId: document.id, generation: 1 });
  expect(outdated).toEqual({ passageCount: 0, errorCode: null });
  expect(await readDocument(server.services, { tenantId, documentId: document.id, generation: 2 })).toMatchObject({
    passageCount: 2,
  });
});

test('[A3] a document that is deleted while it is read leaves nothing', async () => {
  const { client, server, owner } = fixture;
  const document = await uploadAndRead(client, agent.id, 'leaving.txt', 'Leaving.');
  const { tenantId } = owner.principal;
  await asAdmin(server.database, (query) =>
    query(`update app_agents.documents set state = 'processing' where id = $1`, [document.id]),
  );
  const reading = readDocument(server.services, { tenantId, documentId: document.id, generation: 1 });
  await client.expect(204, `DELETE /documents/${document.id}`);
  await reading;
  const left = await asAdmin(server.database, (query) =>
    query('select from app_agents.passages where document_id = $1', [document.id]),
  );
  expect(left).toEqual([]);
});

test('[K5.3] a file’s name is cleaned of folders, controls and length', () => {
  expect(cleanFilename('../../etc/passwd')).toBe('passwd');
  expect(cleanFilename('C:\\Users\\me\\notes\u0000\u202Etxt.md')).toBe('notestxt.md');
  expect(cleanFilename('\u0000')).toBe('document');
  expect(cleanFilename('x'.repeat(500)).length).toBeLessThanOrEqual(200);
});

test('[A4] the search finds word forms, accents, other languages and slips, and nothing for what is not there', async () => {
  const { client } = fixture;
  const own = await createAgent(client);
  const facts = [
    '# Shipping\n\nParcels are shipped to Norway within five working days.',
    '# Returns\n\nItems may be returned free of charge within thirty days.',
    '# Lieferung\n\nDie Lieferzeit nach Österreich beträgt drei Tage.',
    '# 配送\n\n订单在五天内送达上海。',
    '# Warranty\n\nThe RTX-4090 card has a warranty of two years.',
  ];
  await uploadAndRead(client, own.id, 'facts.md', facts.join('\n\n'));
  const best = async (question: string, previous?: string) =>
    (await search(own.id, question, previous))[0]?.headings[0];
  expect(await best('How long does shipping take?')).toBe('Shipping');
  expect(await best('Can I return a thing?')).toBe('Returns');
  expect(await best('Wie sind die Lieferzeiten nach osterreich?')).toBe('Lieferung');
  expect(await best('多久送达上海?')).toBe('配送');
  expect(await best('rtx-4090 warranty')).toBe('Warranty');
  expect(await best('norwya')).toBe('Shipping');
  expect(await best('And there?', 'Do you deliver to Norway?')).toBe('Shipping');
  expect(await search(own.id, 'What is the capital of Mongolia?')).toEqual([]);
  expect(await search(own.id, 'Hi!')).toEqual([]);
  expect(await search(own.id, `'; drop table x; -- & | ! :* ( "`)).toEqual([]);
});

test('[K3.2] the search never leaves its organisation or its agent, whatever agent it is asked about', async () => {
  const { client, server } = fixture;
  const own = await createAgent(client);
  await uploadAndRead(client, own.id, 'secret.txt', 'The canary sings at midnight.');
  expect(await search(own.id, 'canary midnight')).toHaveLength(1);
  expect(await search(agent.id, 'canary midnight')).toEqual([]);
  const stranger = await server.secondTenant();
  const found = await server.services.db.withTenant(stranger.principal, async (tx) => ({
    passages: await searchPassages(tx, { agentId: own.id, question: 'canary midnight' }),
    words: await tx.query({ text: `select * from app_agents.list_similar_words($1, '{canari}')`, values: [own.id] }),
  }));
  expect(found).toEqual({ passages: [], words: [] });
  // Without any organisation set, the functions see nothing.
  const bare = await asAdmin(server.database, (query) =>
    query(`select * from app_agents.search_passages($1, '{canary}', '{canary}', 5)`, [own.id]),
  );
  expect(bare).toEqual([]);
});
