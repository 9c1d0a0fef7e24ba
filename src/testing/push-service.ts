/** A push service as browsers have one: it takes messages for its subscriptions, checks who sent them, and reads them as the browser would. */
import { createDecipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { importJWK, jwtVerify, type JWTPayload } from 'jose';

/** PushedMessage is what arrived at one subscription, decrypted. */
export interface PushedMessage {
  readonly payload: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Claims of the VAPID token, verified with the key it was sent with. */
  readonly claims: JWTPayload;
  readonly vapidKey: string;
}

/** TestSubscription is what a browser would hand to the page. */
export interface TestSubscription {
  readonly body: { readonly endpoint: string; readonly keys: { readonly p256dh: string; readonly auth: string } };
  readonly received: readonly PushedMessage[];
  /** Requests that came, taken or not. */
  readonly requests: number;
  /** What to answer from now on; 201 at first. Null: never. */
  answer(status: number | null, headers?: Readonly<Record<string, string>>): void;
}

export interface PushTestService extends AsyncDisposable {
  readonly origin: string;
  subscribe(): TestSubscription;
}

class Browser implements TestSubscription {
  readonly body: TestSubscription['body'];
  readonly received: PushedMessage[] = [];
  readonly #keys: ECDH = createECDH('prime256v1');
  readonly #auth = randomBytes(16);
  status: number | null = 201;
  answerHeaders: Readonly<Record<string, string>> = {};
  requests = 0;

  constructor(endpoint: string) {
    this.#keys.generateKeys();
    const p256dh = this.#keys.getPublicKey('base64url');
    this.body = { endpoint, keys: { p256dh, auth: this.#auth.toString('base64url') } };
  }

  answer(status: number | null, headers: Readonly<Record<string, string>> = {}): void {
    this.status = status;
    this.answerHeaders = headers;
  }

  /** decrypt follows RFC 8291 and RFC 8188: one record, padded with 2 and zeroes. */
  decrypt(message: Buffer): string {
    const salt = message.subarray(0, 16);
    const keyLength = message.readUInt8(20);
    const senderKey = message.subarray(21, 21 + keyLength);
    const sealed = message.subarray(21 + keyLength);
    const info = Buffer.concat([Buffer.from('WebPush: info\0'), this.#keys.getPublicKey(), senderKey]);
    const input = Buffer.from(hkdfSync('sha256', this.#keys.computeSecret(senderKey), this.#auth, info, 32));
    const derive = (name: string, bytes: number) =>
      Buffer.from(hkdfSync('sha256', input, salt, Buffer.from(`Content-Encoding: ${name}\0`), bytes));
    const opener = createDecipheriv('aes-128-gcm', derive('aes128gcm', 16), derive('nonce', 12));
    opener.setAuthTag(sealed.subarray(-16));
    const padded = Buffer.concat([opener.update(sealed.subarray(0, -16)), opener.final()]);
    return padded.subarray(0, padded.lastIndexOf(2)).toString('utf8');
  }
}

/** verifyVapid checks the token as RFC 8292 asks: ES256, for this origin, not for longer than a day. */
async function verifyVapid(authorization: string, origin: string): Promise<{ claims: JWTPayload; vapidKey: string }> {
  const [, token = '', vapidKey = ''] = /^vapid t=([^,]+), ?k=(\S+)$/i.exec(authorization) ?? [];
  const point = Buffer.from(vapidKey, 'base64url');
  const key = {
    kty: 'EC',
    crv: 'P-256',
    x: point.subarray(1, 33).toString('base64url'),
    y: point.subarray(33).toString('base64url'),
  };
  const { payload } = await jwtVerify(token, await importJWK(key, 'ES256'), {
    audience: origin,
    algorithms: ['ES256'],
  });
  if ((payload.exp ?? Infinity) * 1000 > Date.now() + 24 * 3_600_000) throw new Error('valid for longer than a day');
  return { claims: payload, vapidKey };
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of request) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}

/** startPushService listens on a free port of the loopback address; `await using` ends it. */
export async function startPushService(): Promise<PushTestService> {
  const browsers = new Map<string, Browser>();
  let origin = '';
  const server = createServer((request, response) => {
    void (async () => {
      const browser = browsers.get(request.url ?? '');
      const body = await readBody(request);
      if (!browser) return response.writeHead(404).end();
      browser.requests += 1;
      if (browser.status === null) return undefined;
      try {
        const sender = await verifyVapid(request.headers.authorization ?? '', origin);
        const payload: unknown = JSON.parse(browser.decrypt(body));
        if (browser.status < 300) browser.received.push({ payload, headers: request.headers, ...sender });
        return response.writeHead(browser.status, browser.answerHeaders).end();
      } catch (error) {
        return response.writeHead(403).end(String(error));
      }
    })();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    subscribe() {
      const path = `/push/${randomBytes(16).toString('base64url')}`;
      const browser = new Browser(origin + path);
      browsers.set(path, browser);
      return browser;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
