/** Second factors as a person has them: an authenticator app, a browser's cookies, and a passkey made of software. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { Secret, TOTP } from 'otpauth';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Answer, Asking, IdentityServer } from './identity-server.ts';

/** appCode is what an authenticator app shows for a secret; `now` in milliseconds since 1970. */
export function appCode(secret: string, now: number = Date.now()): string {
  return TOTP.generate({ secret: Secret.fromBase32(secret), timestamp: now });
}

/** wrongCode is six digits that no step near `now` has. */
export function wrongCode(secret: string, now: number = Date.now()): string {
  const near = new Set(
    [-90_000, -60_000, -30_000, 0, 30_000, 60_000, 90_000].map((away) => appCode(secret, now + away)),
  );
  for (let number = 100_000; ; number++) if (!near.has(String(number))) return String(number);
}

/** Browser keeps cookies from answer to answer, as a browser does. */
export interface Browser {
  readonly cookie: string;
  ask(route: string, asking?: Omit<Asking, 'cookie'>): Promise<Answer>;
  forget(name: string): void;
}

/** openBrowser makes a browser without cookies, at an address of its own. */
export function openBrowser(server: IdentityServer, given: Omit<Asking, 'cookie' | 'body'> = {}): Browser {
  const jar = new Map<string, string>();
  const address = given.address ?? server.newAddress();
  const cookieText = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  return {
    get cookie() {
      return cookieText();
    },
    async ask(route, asking = {}) {
      const cookie = cookieText();
      const answer = await server.ask(route, { ...given, address, ...asking, ...(cookie ? { cookie } : {}) });
      for (const text of answer.cookies) {
        const [pair = ''] = text.split(';');
        const name = pair.slice(0, pair.indexOf('='));
        if (text.includes('Max-Age=0')) jar.delete(name);
        else jar.set(name, pair.slice(name.length + 1));
      }
      return answer;
    },
    forget: (name) => void jar.delete(name),
  };
}

const base64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
const sha256 = (bytes: Uint8Array | string): Buffer => createHash('sha256').update(bytes).digest();

/** What CBOR is needed for a passkey: small integers, byte strings, texts and maps. */
function cbor(value: number | string | Uint8Array | ReadonlyMap<number | string, unknown>): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  const pairs = [...value].flatMap(([key, item]) => [cbor(key), cbor(item as never)]);
  return Buffer.concat([head(5, value.size), ...pairs]);
}

function head(major: number, length: number): Buffer {
  const top = major << 5;
  if (length < 24) return Buffer.from([top | length]);
  return length < 256 ? Buffer.from([top | 24, length]) : Buffer.from([top | 25, length >> 8, length & 255]);
}

function coseKey(publicKey: KeyObject): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  const point = (text: string) => Buffer.from(text, 'base64url');
  return cbor(
    new Map<number, unknown>([
      [1, 2],
      [3, -7],
      [-1, 1],
      [-2, point(x)],
      [-3, point(y)],
    ]),
  );
}

/** Lies are what a test lets the passkey say that is not true. */
export interface Lies {
  readonly origin?: string;
  readonly isVerified?: boolean;
  readonly counter?: number;
  readonly userHandle?: string;
  readonly type?: string;
}

/** SoftPasskey answers as a device would. `origin` is the page's. */
export class SoftPasskey {
  readonly id = base64url(randomBytes(32));
  readonly #keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  readonly #origin: string;
  readonly #hasCounter: boolean;
  #counter = 0;
  #userHandle = '';

  constructor(origin: string, { hasCounter = true } = {}) {
    this.#origin = origin;
    this.#hasCounter = hasCounter;
  }

  #clientData(type: string, challenge: string, lies: Lies): Buffer {
    return Buffer.from(
      JSON.stringify({ type: lies.type ?? type, challenge, origin: lies.origin ?? this.#origin, crossOrigin: false }),
    );
  }

  #authenticatorData(rpId: string, flags: number, lies: Lies): Buffer {
    if (this.#hasCounter) this.#counter += 1;
    const counter = Buffer.alloc(4);
    counter.writeUInt32BE(lies.counter ?? this.#counter);
    const verified = lies.isVerified === false ? 0 : 4;
    return Buffer.concat([sha256(rpId), Buffer.from([flags | 1 | verified]), counter]);
  }

  /** Answers `navigator.credentials.create`. */
  create(options: { challenge: string; rp: { id: string }; user: { id: string } }, lies: Lies = {}) {
    this.#userHandle = options.user.id;
    const id = Buffer.from(this.id, 'base64url');
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, coseKey(this.#keys.publicKey)]);
    const authData = Buffer.concat([this.#authenticatorData(options.rp.id, 0x40, lies), attested]);
    const attestation = new Map<string, unknown>([
      ['fmt', 'none'],
      ['attStmt', new Map()],
      ['authData', authData],
    ]);
    return {
      id: this.id,
      clientDataJSON: base64url(this.#clientData('webauthn.create', options.challenge, lies)),
      attestationObject: base64url(cbor(attestation)),
      transports: ['internal'],
    };
  }

  /** Answers `navigator.credentials.get`. */
  get(options: { challenge: string; rpId: string }, lies: Lies = {}) {
    const clientData = this.#clientData('webauthn.get', options.challenge, lies);
    const authenticatorData = this.#authenticatorData(options.rpId, 0, lies);
    const signature = sign('sha256', Buffer.concat([authenticatorData, sha256(clientData)]), this.#keys.privateKey);
    return {
      id: this.id,
      clientDataJSON: base64url(clientData),
      authenticatorData: base64url(authenticatorData),
      signature: base64url(signature),
      ...(lies.userHandle || this.#userHandle ? { userHandle: lies.userHandle ?? this.#userHandle } : {}),
    };
  }
}

/** createSecondFactors gives a person a passkey nobody holds, and a trusted browser nobody has. */
export async function createSecondFactors(
  db: Database,
  userId: string,
): Promise<{ passkeyId: string; trustedDeviceId: string }> {
  const [passkeyId, trustedDeviceId] = [newId(), newId()];
  await db.withAuth(async (tx) => {
    await tx.query({
      text: `insert into auth.passkeys (id, user_id, credential_id, public_key, is_synced, name)
             values ($1, $2, $3, '\\x00', false, 'Mine')`,
      values: [passkeyId, userId, `nobody-${passkeyId}`],
    });
    await tx.query({
      text: `insert into auth.trusted_devices (id, user_id, token_hash, expires_at)
             values ($1, $2, $3, now() + interval '30 days')`,
      values: [trustedDeviceId, userId, `nobody-${trustedDeviceId}`],
    });
  });
  return { passkeyId, trustedDeviceId };
}
