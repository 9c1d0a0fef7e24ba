/** An archive comes in once, in pieces or whole, whatever breaks on the way; what is wrong with a record stays with that record. */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { newId } from '#kernel/ids';
import { waitFor } from '../../../testing/agents-fixture.ts';
import { makeArchive } from '../../../testing/make-zip.ts';
import { startTestServer, type Tenant, type TestServer } from '../../../testing/server.ts';
import type { TestClient } from '../../../testing/client.ts';
import { createRights } from '../create-rights.ts';
import type { PortableSet } from '../types.ts';
import { partBytes } from './received-archive.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer({
    environment: { UPLOAD_MAX_MB: '1', IMPORT_MAX_MB: '30', LIMITS: 'privacy.import=1000/60,privacy.read=10000/60' },
  });
  await server.signUpOwner();
});
afterAll(() => server?.[Symbol.asyncDispose]());

const agent = (id: string, more: object = {}) => ({
  id,
  name: 'Captain',
  description: '',
  instructions: '',
  model: 'offline',
  temperature: null,
  greeting: '',
  suggestedQuestions: [],
  tone: null,
  ...more,
});
const conversation = (id: string, agentId: string, more: object = {}) => {
  const time = '2024-05-01T10:00:00.000Z';
  return { id, agentId, title: 'At sea', createdAt: time, updatedAt: time, ...more };
};
const message = (conversationId: string, position: number, more: object = {}) => ({
  id: newId(),
  conversationId,
  replyToId: null,
  position,
  role: 'user',
  text: `Wave ${position}`,
  state: 'complete',
  model: null,
  createdAt: '2024-05-01T10:00:00.000Z',
  ...more,
});

async function finish(client: TestClient, importId: string) {
  return waitFor('the import', async () => {
    const { json } = await client.expect(200, `GET /imports/${importId}`);
    return ['done', 'failed'].includes(json.state) ? json : null;
  });
}

async function bringBack({ client }: Pick<Tenant, 'client'>, bytes: Buffer) {
  const { status, json, text } = await client.upload('POST /imports', {
    name: 'x.zip',
    type: 'application/zip',
    bytes,
  });
  expect([status, text]).toEqual([202, expect.any(String)]);
  return finish(client, json.id);
}

const numbersOf = (done: { results: { title: string; imported: number; present: number; skipped: number }[] }) =>
  Object.fromEntries(
    done.results.map(({ title, imported, present, skipped }) => [title, [imported, present, skipped]]),
  );

const countObjects = ({ principal }: Tenant) =>
  server.services.db.withTenant(principal, async (tx) => {
    const [row] = await tx.query<{ count: number }>({ text: 'select count(*)::int as count from kernel.objects' });
    return row?.count;
  });

describe('an archive in pieces', () => {
  const piece = (bytes: Buffer, firstByte: number) => bytes.subarray(firstByte, firstByte + partBytes);
  const send = (client: TestClient, id: string, firstByte: number, bytes: Buffer) =>
    client.upload(`PUT /imports/${id}/archive?firstByte=${firstByte}`, { name: 'p', type: 'application/zip', bytes });

  test('[K16.1] larger than any single upload it comes in piece by piece, each once, and goes on where it broke off', async () => {
    const tenant = await server.secondTenant();
    const { client } = tenant;
    const limits = (await client.expect(200, 'GET /import-limits')).json;
    expect(limits).toEqual({ archiveMaxBytes: 30 * 1_048_576, partBytes });
    const id = newId();
    const bytes = await makeArchive({ agents: [agent(id)] }, { [newId()]: randomBytes(2 * partBytes + 1000) });
    const announce = { body: { filename: 'copy.zip', sizeBytes: bytes.length } };
    const { json: begun } = await client.expect(202, 'POST /import-uploads', announce);
    expect(begun).toMatchObject({ state: 'receiving', filename: 'copy.zip', receivedBytes: 0 });
    expect((await send(client, begun.id, 0, piece(bytes, 0))).json.receivedBytes).toBe(partBytes);
    // The answer was lost and the piece comes again; then one that does not follow, and one of the wrong size.
    expect((await send(client, begun.id, 0, piece(bytes, 0))).json.receivedBytes).toBe(partBytes);
    const ahead = await send(client, begun.id, 2 * partBytes, piece(bytes, 2 * partBytes));
    expect([ahead.status, ahead.json]).toEqual([
      409,
      expect.objectContaining({ code: 'IMPORT_PART_MISPLACED', receivedBytes: partBytes }),
    ]);
    expect((await send(client, begun.id, partBytes, Buffer.from('short'))).json.code).toBe('IMPORT_PART_MISPLACED');
    // Two tabs send the same piece: it counts once.
    const both = await Promise.all([1, 2].map(() => send(client, begun.id, partBytes, piece(bytes, partBytes))));
    expect(both.map(({ status }) => status)).toContain(200);
    // Another archive waits; the same one goes on.
    const other = { body: { filename: 'other.zip', sizeBytes: 10 } };
    expect((await client.expect(409, 'POST /import-uploads', other)).json.code).toBe('IMPORT_RUNNING');
    const { json: again } = await client.expect(202, 'POST /import-uploads', announce);
    expect([again.id, again.receivedBytes]).toEqual([begun.id, 2 * partBytes]);
    await send(client, begun.id, again.receivedBytes, piece(bytes, again.receivedBytes));
    expect(numbersOf(await finish(client, begun.id))).toMatchObject({ Agents: [1, 0, 0] });
    expect(await countObjects(tenant)).toBe(0);
  });

  test('[K16.1] what is larger than the limit is refused before a byte is sent', async () => {
    const { client } = await server.secondTenant();
    const body = { filename: 'copy.zip', sizeBytes: 30 * 1_048_576 + 1 };
    const refused = await client.expect(413, 'POST /import-uploads', { body });
    expect(refused.json.detail).toContain('30 MiB');
  });

  test('[K16.1] one that is cancelled or that nobody goes on with leaves no bytes, and makes room for another', async () => {
    const tenant = await server.secondTenant();
    const bytes = randomBytes(partBytes + 1);
    for (const end of ['cancel', 'sweep']) {
      const body = { filename: `${end}.zip`, sizeBytes: bytes.length };
      const { json } = await tenant.client.expect(202, 'POST /import-uploads', { body });
      await send(tenant.client, json.id, 0, piece(bytes, 0));
      expect(await countObjects(tenant)).toBe(1);
      if (end === 'cancel') await tenant.client.expect(204, `DELETE /imports/${json.id}`);
      else {
        await server.services.db.withSystem('age an upload in a test', (tx) =>
          tx.query({
            text: `update kernel.imports set touched_at = now() - interval '3 days' where id = $1`,
            values: [json.id],
          }),
        );
        await server.services.rights.sweep(server.services);
      }
      await tenant.client.expect(404, `GET /imports/${json.id}`);
      expect(await countObjects(tenant)).toBe(0);
    }
  });

  test('[K16.1] whole it may be larger than a file may be, up to the same limit', async () => {
    const tenant = await server.secondTenant();
    const bytes = await makeArchive({ agents: [agent(newId())] }, { [newId()]: randomBytes(3 * 1_048_576) });
    expect(numbersOf(await bringBack(tenant, bytes))).toMatchObject({ Agents: [1, 0, 0] });
  });
});

describe('what is in it', () => {
  test('[K16.1] brought in again it makes no doubles, and brings back what was deleted meanwhile', async () => {
    const tenant = await server.secondTenant();
    const [id, first, second] = [newId(), newId(), newId()];
    const bytes = await makeArchive({
      agents: [agent(id)],
      conversations: [conversation(first, id), conversation(second, id)],
      messages: [message(first, 0), message(first, 1), message(second, 0)],
    });
    const once = numbersOf(await bringBack(tenant, bytes));
    expect(once).toMatchObject({ Agents: [1, 0, 0], Conversations: [2, 0, 0], Messages: [3, 0, 0] });
    const list = await tenant.client.expect(200, 'GET /conversations');
    await tenant.client.expect(204, `DELETE /conversations/${list.json.items[0].id}`);
    const again = numbersOf(await bringBack(tenant, bytes));
    expect(again).toMatchObject({ Agents: [0, 1, 0], Conversations: [1, 1, 0] });
    expect((await tenant.client.expect(200, 'GET /agents')).json.items).toHaveLength(1);
    expect((await tenant.client.expect(200, 'GET /conversations')).json.items).toHaveLength(2);
  });

  test('[K16.1] a record that is broken, hostile or out of place is left out alone; the rest comes in', async () => {
    const [victim, tenant] = [await server.secondTenant(), await server.secondTenant()];
    const [id, talk] = [newId(), newId()];
    const bytes = await makeArchive({
      agents: [
        agent(id),
        '{"id": "half a li',
        agent(newId(), { name: 'x'.repeat(81) }),
        agent(newId(), { tenantId: victim.principal.tenantId }),
        agent(newId(), { permission: 'organisation.ownership.write' }),
        agent(newId(), { instructions: 'a\u0000b' }),
      ],
      conversations: [
        conversation(talk, id, { updatedAt: '9999-01-01T00:00:00.000Z' }),
        conversation(newId(), id, { createdAt: '0000-01-01T00:00:00.000Z' }),
        conversation(newId(), victim.principal.tenantId),
      ],
      messages: [
        message(talk, 0),
        message(talk, 0),
        message(talk, 1, { replyToId: newId() }),
        message(talk, 2, { text: 'nul \u0000' }),
        message(talk, 3),
      ],
    });
    const done = await bringBack(tenant, bytes);
    expect(done.state).toBe('done');
    expect(numbersOf(done)).toMatchObject({ Agents: [1, 0, 5], Conversations: [1, 0, 2], Messages: [2, 0, 3] });
    const { items } = (await tenant.client.expect(200, 'GET /conversations')).json;
    expect(Date.parse(items[0].updatedAt)).toBeLessThanOrEqual(Date.now());
    expect((await victim.client.expect(200, 'GET /agents')).json.items).toEqual([]);
  });

  test('[K16.1] an archive of a newer version says what to do', async () => {
    const tenant = await server.secondTenant();
    const bytes = await makeArchive({ agents: [agent(newId())] });
    const newer = Buffer.from(bytes.toString('latin1').replace('{"format":1}', '{"format":9}'), 'latin1');
    expect(await bringBack(tenant, newer)).toMatchObject({ state: 'failed', errorCode: 'ARCHIVE_UNREADABLE' }); // its digest does not fit
    const { crc32 } = await import('node:zlib');
    const [old, now] = ['{"format":1}', '{"format":9}'].map((text) => {
      const sum = Buffer.alloc(4);
      sum.writeUInt32LE(crc32(text));
      return sum.toString('latin1');
    });
    const honest = Buffer.from(newer.toString('latin1').replaceAll(old ?? '', now ?? ''), 'latin1');
    expect(await bringBack(tenant, honest)).toMatchObject({ state: 'failed', errorCode: 'ARCHIVE_NEWER' });
  });
});

test('[K16.1] [K13.1] a process that is killed in the middle costs nothing: the next brings in the rest, and counts all of it', async () => {
  const tenant = await server.secondTenant();
  const { principal, client } = tenant;
  const seen: string[] = [];
  let stopAt = 3;
  const record = z.strictObject({ id: z.uuid() });
  const set: PortableSet<typeof record> = {
    name: 'stones',
    title: 'Stones',
    permission: 'stones.write',
    record,
    async *read() {
      yield* [];
    },
    async write({ idFor }, { id }) {
      if (seen.length === stopAt) return new Promise(() => undefined); // as if the process had been stopped here
      const made = !seen.includes(idFor(id));
      if (made) seen.push(idFor(id));
      return made ? 'made' : 'present';
    },
  };
  const policy = { owner: ['stones.write'], admin: [], member: [], viewer: [] };
  const rights = createRights([{ id: 'stones', policy, portable: [set as unknown as PortableSet] } as never]);
  const bytes = await makeArchive({ stones: Array.from({ length: 6 }, () => ({ id: newId() })) });
  const object = await server.services.storage.put(principal, {
    filename: 'x.zip',
    contentType: 'application/zip',
    body: bytes,
    maxBytes: 10_000,
  });
  const input = { importId: newId(), tenantId: principal.tenantId, userId: principal.userId };
  await server.services.db.withTenant(principal, (tx) =>
    tx.query({
      text: `insert into kernel.imports (id, tenant_id, owner_id, object_id, state) values ($1, $2, $3, $4, 'running')`,
      values: [input.importId, input.tenantId, input.userId, object.id],
    }),
  );
  const job = {
    workflowId: 'w',
    services: server.services,
    step: <T>(_name: string, work: () => Promise<T>) => work(),
    sleep: async () => undefined,
  };
  void rights.importWorkflow.execute(job, input);
  await waitFor('the first to stop', async () => {
    const { json } = await client.expect(200, `GET /imports/${input.importId}`);
    return seen.length === 3 && json.results[0]?.imported >= 1;
  });
  stopAt = 100;
  await rights.importWorkflow.execute(job, input);
  const { json } = await client.expect(200, `GET /imports/${input.importId}`);
  const [{ imported, present, skipped }] = json.results;
  expect([json.state, seen.length, imported + present, skipped]).toEqual(['done', 6, 6, 0]);
  expect(imported).toBeGreaterThanOrEqual(4);
  expect(await countObjects(tenant)).toBe(0);
});

test('[K16.1] an import whose job ended without a word is failed by the sweep, so that another can begin', async () => {
  const { client, principal } = await server.secondTenant();
  const done = await bringBack({ client }, await makeArchive({ agents: [agent(newId())] }));
  await server.services.db.withTenant(principal, (tx) =>
    tx.query({
      text: `update kernel.imports set state = 'running', finished_at = null where id = $1`,
      values: [done.id],
    }),
  );
  await waitFor('the sweep to notice', async () => {
    await server.services.rights.sweep(server.services);
    const { json } = await client.expect(200, `GET /imports/${done.id}`);
    return json.state === 'failed';
  });
  await bringBack({ client }, await makeArchive({ agents: [] }));
});
