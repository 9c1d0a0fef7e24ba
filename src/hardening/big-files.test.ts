/** Files far beyond the cap are refused while they stream in: memory stays bounded and nothing stays on the disk. */
import { readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createAgent, uploadAndRead } from '../testing/agents-fixture.ts';
import { makePdf } from '../testing/make-pdf.ts';
import { startWholeServer, type WholeServer } from '../testing/whole-server.ts';

const megabyte = 1_048_576;
/** So large that a server which kept the file in memory up to the cap would be found out by the bound below. */
const capMegabytes = 150;
/** Beyond what was used before: buffers in flight and garbage not yet collected (measured: 20 to 80 MiB, also for 400 MB). */
const memoryBoundBytes = 120 * megabyte;

let server: WholeServer;
let agentId: string;
beforeAll(async () => {
  server = await startWholeServer({ environment: { UPLOAD_MAX_MB: String(capMegabytes) } });
  agentId = (await createAgent(server.client)).id;
  // What is loaded at the first upload does not count as memory of the large one.
  await uploadAndRead(server.client, agentId, 'first.pdf', makePdf(['First.']));
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** residentBytes reads the memory the server holds now. */
function residentBytes(): number {
  const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

function listStored(): string[] {
  return readdirSync(join(server.dataDir, 'objects'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => entry.name);
}

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly sentMegabytes: number;
  readonly peakBytes: number;
}

/** uploadChunked sends so many megabytes of a PDF without saying how many; a client that reads the refusal or not. */
function uploadChunked(megabytes: number, stopsAtAnswer: boolean): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const headers = {
      cookie: server.client.cookie,
      'sec-fetch-site': 'same-origin',
      'content-type': 'multipart/form-data; boundary=xx',
      'transfer-encoding': 'chunked',
    };
    let sent = 0;
    let peakBytes = 0;
    let answered: Promise<{ status: number; text: string }> | undefined;
    const path = `/api/v1/agents/${agentId}/documents`;
    const asked = request(
      { host: '127.0.0.1', port: new URL(server.url).port, method: 'POST', path, headers },
      (response) => {
        answered = response
          .toArray()
          .then((pieces: Buffer[]) => ({ status: response.statusCode ?? 0, text: Buffer.concat(pieces).toString() }));
        if (stopsAtAnswer) void finish();
      },
    );
    async function finish(): Promise<void> {
      const { status, text } = (await answered) ?? { status: 0, text: '' };
      asked.destroy();
      resolve({ status, text, sentMegabytes: sent, peakBytes });
    }
    asked.on('error', (error) => (answered ? undefined : reject(error)));
    asked.write(
      '--xx\r\ncontent-disposition: form-data; name="file"; filename="huge.pdf"\r\ncontent-type: application/pdf\r\n\r\n%PDF-1.7\n',
    );
    const block = Buffer.alloc(megabyte, 'endless ');
    function sendNext(): void {
      peakBytes = Math.max(peakBytes, residentBytes());
      if (asked.destroyed || (stopsAtAnswer && answered)) return;
      if (sent === megabytes) {
        asked.end('\r\n--xx--\r\n');
        if (!stopsAtAnswer) asked.once('response', () => void finish());
        if (answered) void finish();
        return;
      }
      sent += 1;
      asked.write(block, () => setImmediate(sendNext));
    }
    sendNext();
  });
}

test.each([
  ['whose client reads the refusal at once', true],
  ['whose client goes on sending to the end', false],
])(
  '[K5.1] [K15.3] a 200 MB PDF of unsaid length, %s: a clear 413 at the cap, bounded memory, nothing on the disk',
  async (_what, stopsAtAnswer) => {
    const storedBefore = listStored();
    const before = residentBytes();
    const outcome = await uploadChunked(200, stopsAtAnswer);
    expect(outcome.status).toBe(413);
    expect(JSON.parse(outcome.text)).toMatchObject({
      code: 'PAYLOAD_TOO_LARGE',
      detail: expect.stringContaining(`${capMegabytes} MiB`) as string,
    });
    expect(outcome.sentMegabytes).toBeGreaterThanOrEqual(capMegabytes);
    if (stopsAtAnswer) expect(outcome.sentMegabytes).toBeLessThan(200);
    expect(outcome.peakBytes).toBeGreaterThan(0);
    expect((outcome.peakBytes - before) / megabyte).toBeLessThan(memoryBoundBytes / megabyte);
    expect(listStored()).toEqual(storedBefore);
    const { json } = await server.client.expect(200, `GET /agents/${agentId}/documents`);
    expect(json.items.map(({ filename }: { filename: string }) => filename)).toEqual(['first.pdf']);
    expect(
      await uploadAndRead(server.client, (await createAgent(server.client)).id, 'next.pdf', makePdf(['Next.'])),
    ).toMatchObject({ state: 'ready' });
  },
);
