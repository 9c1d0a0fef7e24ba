/** Pictures made to break a server: each gets a clear refusal or becomes harmless, and the server hardly notices. */
import { readFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { json as readJson } from 'node:stream/consumers';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Answer } from '../testing/client.ts';
import { listChildren } from '../testing/server-process.ts';
import { testSecrets } from '../testing/test-cluster.ts';
import { startWholeServer, type WholeServer } from '../testing/whole-server.ts';

const megabyte = 1_048_576;
/** What the server may grow by while it refuses all of this: buffers in flight and garbage not yet collected. */
const memoryBoundBytes = 120 * megabyte;

let server: WholeServer;
let photo: Buffer;
let before: number;
beforeAll(async () => {
  const environment = { LIMITS: 'auth.picture=100000/60,auth.session-read=100000/60', IMAGE_TIMEOUT_SECONDS: '5' };
  server = await startWholeServer({ environment });
  const noise = { type: 'gaussian', mean: 128, sigma: 30 } as const;
  photo = await sharp({ create: { width: 640, height: 480, channels: 3, background: 'red', noise } })
    .jpeg()
    .toBuffer();
  // What is loaded at the first picture does not count as memory of the bombs.
  await put('first.jpg', photo);
  before = residentBytes(server.process.pid);
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** residentBytes is the largest memory a process ever held. */
function residentBytes(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1]) * 1024;
}

const put = (name: string, bytes: Uint8Array, type = 'image/png'): Promise<Answer> =>
  server.client.upload('PUT /profile/picture', { name, type, bytes });

/** pictureProcesses are the server's children that decode pictures. */
function pictureProcesses(): number[] {
  return listChildren(server.process.pid ?? 0).filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('image-child');
    } catch {
      return false; // It ended while we looked.
    }
  });
}

function chunk(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(named), 4);
  return Buffer.concat([frame.subarray(0, 4), named, frame.subarray(4)]);
}

/** makePng makes a black PNG of any dimensions from very few bytes; `more` are further parts of the file. */
function makePng(width: number, height: number, rows: number, more: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const pixels = deflateSync(Buffer.alloc((width * 3 + 1) * rows), { level: 9 });
  const parts = [chunk('IHDR', header), ...more, chunk('IDAT', pixels), chunk('IEND', Buffer.alloc(0))];
  return Buffer.concat([signature, ...parts]);
}

/** inflating is a part of a PNG that unpacks to 400 MB. */
const inflating = (type: string, head: string): Buffer =>
  chunk(type, Buffer.concat([Buffer.from(head, 'latin1'), deflateSync(Buffer.alloc(400 * megabyte), { level: 9 })]));

/** makeManyScans repeats the last scan of a progressive JPEG of 36 million pixels until the file is full: each is decoded. */
async function makeManyScans(): Promise<Buffer> {
  const jpeg = await sharp({ create: { width: 6_000, height: 6_000, channels: 3, background: 'red' } })
    .jpeg({ progressive: true })
    .toBuffer();
  const scan = jpeg.subarray(jpeg.lastIndexOf(Buffer.from([0xff, 0xda])), -2);
  const scans = Array.from({ length: Math.floor((4.5 * megabyte) / scan.length) }, () => scan);
  return Buffer.concat([jpeg.subarray(0, -2), ...scans, jpeg.subarray(-2)]);
}

/** makeHugeWebp is a WebP whose canvas says 16,384 × 16,384, which the picture inside does not fill. */
async function makeHugeWebp(): Promise<Buffer> {
  const small = await sharp({ create: { width: 8, height: 8, channels: 3, background: 'red' } })
    .webp()
    .toBuffer();
  const picture = small.subarray(12);
  const canvas = Buffer.alloc(18);
  canvas.write('VP8X', 0, 'latin1');
  canvas.writeUInt32LE(10, 4);
  canvas.writeUIntLE(16_383, 12, 3);
  canvas.writeUIntLE(16_383, 15, 3);
  const body = Buffer.concat([Buffer.from('WEBP', 'latin1'), canvas, picture]);
  const riff = Buffer.alloc(8);
  riff.write('RIFF', 0, 'latin1');
  riff.writeUInt32LE(body.length, 4);
  return Buffer.concat([riff, body]);
}

const makeWideWebp = (): Promise<Buffer> =>
  sharp({ create: { width: 16_000, height: 3_000, channels: 3, background: 'red' } })
    .webp({ effort: 0 })
    .toBuffer();

const gif = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const svg = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>alert(1)</script></svg>';
const entities = `<?xml version="1.0"?><!DOCTYPE s [<!ENTITY a "${'x'.repeat(99)}"><!ENTITY b "${'&a;'.repeat(99)}">]>${svg}`;
const heic = Buffer.concat([
  Buffer.from([0, 0, 0, 24]),
  Buffer.from('ftypheic\0\0\0\0mif1heic', 'latin1'),
  Buffer.alloc(99),
]);

type Bomb = [what: string, make: () => Promise<Uint8Array> | Uint8Array, status: number, code: string, says: string];
const bombs: Bomb[] = [
  ['a PNG of 50,000 × 50,000', () => makePng(50_000, 50_000, 20), 413, 'IMAGE_TOO_LARGE', '50000 × 50000'],
  ['a PNG of 2,000,000,000 × 1', () => makePng(2_000_000_000, 1, 0), 422, 'IMAGE_UNREADABLE', 'damaged'],
  ['a PNG that unpacks to far more than it says', () => makePng(10, 10, 3_000_000), 200, '', ''],
  ['a PNG whose colour profile unpacks to 400 MB', () => makePng(9, 9, 9, [inflating('iCCP', 'a\0\0')]), 200, '', ''],
  ['a PNG whose comment unpacks to 400 MB', () => makePng(9, 9, 9, [inflating('zTXt', 'a\0\0')]), 200, '', ''],
  [
    'a PNG with 50,000 comments',
    () =>
      makePng(
        9,
        9,
        9,
        Array.from({ length: 50_000 }, (_, i) => chunk('tEXt', Buffer.from(`a${i}\0b`))),
      ),
    200,
    '',
    '',
  ],
  [
    'an animated PNG of 10,000 frames',
    () => makePng(9, 9, 9, [chunk('acTL', Buffer.from([0, 0, 39, 16, 0, 0, 0, 0]))]),
    415,
    'IMAGE_TYPE_REFUSED',
    'animated PNG',
  ],
  ['a JPEG of a thousand scans', makeManyScans, 422, 'IMAGE_UNREADABLE', 'damaged'],
  ['a WebP with a canvas it does not fill', makeHugeWebp, 422, 'IMAGE_UNREADABLE', 'damaged'],
  ['a WebP of 16,000 × 3,000', makeWideWebp, 413, 'IMAGE_TOO_LARGE', '16000 × 3000'],
  ['a GIF', () => gif, 415, 'IMAGE_TYPE_REFUSED', 'a GIF'],
  ['an SVG with a script', () => Buffer.from(svg), 415, 'IMAGE_TYPE_REFUSED', 'JPEG, PNG or WebP'],
  ['an SVG of nested entities', () => Buffer.from(entities), 415, 'IMAGE_TYPE_REFUSED', 'SVG'],
  ['a HEIC photo', () => heic, 415, 'IMAGE_TYPE_REFUSED', 'HEIC'],
  ['a text file', () => Buffer.from('This is no picture.'), 415, 'IMAGE_TYPE_REFUSED', 'JPEG, PNG or WebP'],
  ['an empty file', () => Buffer.alloc(0), 422, 'IMAGE_UNREADABLE', 'empty'],
  ['half a JPEG', () => photo.subarray(0, photo.length / 2), 422, 'IMAGE_UNREADABLE', 'damaged'],
  ['the first 100 bytes of a JPEG', () => photo.subarray(0, 100), 422, 'IMAGE_UNREADABLE', 'damaged'],
  ['half a PNG', () => makePng(200, 200, 90), 422, 'IMAGE_UNREADABLE', 'damaged'],
  [
    'noise after a PNG signature',
    () => Buffer.concat([makePng(9, 9, 9).subarray(0, 40), photo]),
    422,
    'IMAGE_UNREADABLE',
    'damaged',
  ],
];

describe('[K5.3]', () => {
  test.each(bombs)(
    '%s, whatever its name says, gets a clear answer below 500',
    async (_what, make, status, code, says) => {
      const bytes = await make();
      expect(bytes.length).toBeLessThan(5 * megabyte);
      for (const name of ['picture.png', 'photo.jpg']) {
        const answer = await put(name, bytes, name.endsWith('g') ? 'image/png' : 'image/jpeg');
        expect([answer.status, answer.json.code ?? '']).toEqual([status, code]);
        expect(answer.json.detail ?? '').toContain(says);
      }
    },
  );

  test('a file that is a picture and something else becomes a picture only', async () => {
    const zip = Buffer.from('PK\u0003\u0004\u0014\0\0\0evil.js<script>alert(1)</script>', 'latin1');
    const comment = Buffer.from('<html><script>alert(1)</script>/*', 'latin1');
    const lengths = Buffer.from([0xff, 0xfe, 0, comment.length + 2]);
    for (const bytes of [
      Buffer.concat([photo.subarray(0, 2), lengths, comment, photo.subarray(2), Buffer.from('*/=alert(1)')]),
      Buffer.concat([await sharp(photo).png().toBuffer(), zip]),
      Buffer.concat([await sharp(photo).webp().toBuffer(), zip]),
    ]) {
      const answer = await put('polyglot.html', bytes, 'text/html');
      expect(answer.status).toBe(200);
      for (const size of [96, 512]) {
        const path = `GET ${(answer.json.user.pictureUrl as string).replace('/api/v1', '')}&size=${size}`;
        const served = await server.client.open(path);
        const kept = Buffer.from(await served.arrayBuffer());
        expect(served.headers.get('content-type')).toBe('image/webp');
        for (const trace of ['alert', 'script', 'PK\u0003\u0004', 'evil']) expect(kept.includes(trace)).toBe(false);
        expect((await sharp(kept).metadata()).format).toBe('webp');
      }
    }
  });

  test('a 100 MB body is refused by its declared length, and while it streams in', async () => {
    const declared = await untilAnswered(() => sendSlowly({ 'content-length': String(100 * megabyte) }, 1, 0));
    expect([declared.status, declared.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    const streamed = await untilAnswered(() => sendSlowly({ 'transfer-encoding': 'chunked' }, 100, 0));
    expect([streamed.status, streamed.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
    expect(streamed.detail).toMatch(/5 M/);
  });

  test('while many upload slowly and others send bombs, people who ask for something else are served', async () => {
    const slow = Array.from({ length: 12 }, () => sendSlowly({ 'transfer-encoding': 'chunked' }, 40, 50, 1_000));
    const hard = Array.from({ length: 6 }, () => put('bomb.png', makePng(5_900, 5_900, 5_900)));
    const waits: number[] = [];
    const isOver = Promise.allSettled([...slow, ...hard]).then(() => true);
    do {
      const startedAt = performance.now();
      await server.client.expect(200, 'GET /session');
      waits.push(performance.now() - startedAt);
    } while (!(await Promise.race([isOver, new Promise((resolve) => void setImmediate(() => resolve(false)))])));
    waits.sort((a, b) => a - b);
    expect(waits[Math.floor(waits.length / 2)]).toBeLessThan(1_000);
    for (const answer of await Promise.all(hard)) expect([200, 422, 503]).toContain(answer.status);
    for (const answer of await Promise.all(slow)) expect([415, 503]).toContain(answer.status);
  });

  test('a picture process that is killed or stopped in the middle takes nobody along', async () => {
    const work = [put('a.png', makePng(5_000, 5_000, 5_000)), put('b.png', makePng(5_000, 5_000, 5_000))];
    await expect.poll(() => pictureProcesses().length, { interval: 5 }).toBeGreaterThan(0);
    const [first] = pictureProcesses();
    process.kill(first ?? 0, 'SIGSTOP');
    expect((await server.client.ask('GET /session')).status).toBe(200);
    for (const pid of pictureProcesses().filter((other) => other !== first)) process.kill(pid, 'SIGKILL');
    // What was killed is done once more; what hangs is ended by its timeout.
    for (const { status, json } of await Promise.all(work)) expect([200, 422]).toContain(json.code ? status : 200);
    expect((await put('next.jpg', photo)).status).toBe(200);
  });

  test('[K9.1] the process that reads them has none of the server’s secrets, and not its rights as root', async () => {
    await put('alive.jpg', photo);
    const pids = pictureProcesses();
    expect(pids.length).toBeGreaterThan(0);
    for (const pid of pids) {
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      for (const secret of [testSecrets.authSecret, testSecrets.masterKey, 'DATABASE_URL', 'postgres'])
        expect(environment + command).not.toContain(secret);
      const userIds = /Uid:\s+(.+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]?.split(/\s+/) ?? [];
      expect(userIds).toHaveLength(4);
      if (process.getuid?.() === 0) expect(userIds).not.toContain('0');
    }
  });

  test('after all that the server has grown by little, answers as before, and never failed', async () => {
    expect((residentBytes(server.process.pid) - before) / megabyte).toBeLessThan(memoryBoundBytes / megabyte);
    expect((await put('last.jpg', photo)).status).toBe(200);
    expect(pictureProcesses().length).toBeLessThanOrEqual(2);
    const stored = await server.database?.db.withSystem('count pictures in a test', (tx) =>
      tx.query({ text: 'select id from kernel.images' }),
    );
    expect(stored).toHaveLength(1);
  });
});

interface Outcome {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function readAnswer(response: IncomingMessage): Promise<Outcome> {
  const { code = '', detail = '' } = (await readJson(response)) as Partial<Outcome>;
  response.destroy();
  return { status: response.statusCode ?? 0, code, detail };
}

/** untilAnswered sends again when the server's answer crossed with our bytes: Node's client then reports the pipe, not the answer. */
async function untilAnswered(send: () => Promise<Outcome>, tries = 5): Promise<Outcome> {
  try {
    return await send();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (tries > 1 && (code === 'EPIPE' || code === 'ECONNRESET')) return untilAnswered(send, tries - 1);
    throw error;
  }
}

/** sendSlowly sends so many pieces (of a megabyte unless said otherwise) of a form, with a pause after each. */
function sendSlowly(
  headers: Record<string, string>,
  pieces: number,
  pauseMilliseconds: number,
  pieceBytes = megabyte,
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        // A connection of its own: the server still waits for the rest of a body that was cut short.
        agent: false,
        host: '127.0.0.1',
        port: new URL(server.url).port,
        method: 'PUT',
        path: '/api/v1/profile/picture',
        headers: {
          cookie: server.client.cookie,
          'sec-fetch-site': 'same-origin',
          'content-type': 'multipart/form-data; boundary=xx',
          ...headers,
        },
      },
      (response) => void readAnswer(response).then(resolve, reject),
    );
    asked.on('error', reject);
    asked.write('--xx\r\ncontent-disposition: form-data; name="file"; filename="slow.png"\r\n\r\n');
    let sent = 0;
    const sendNext = (): void => {
      if (asked.destroyed) return;
      if (sent === pieces) return void asked.end('\r\n--xx--\r\n');
      sent += 1;
      asked.write(Buffer.alloc(pieceBytes, 'x'), () => setTimeout(sendNext, pauseMilliseconds));
    };
    sendNext();
  });
}
