/** Passwords are hashed with Argon2id off the main thread, never more at once than the machine bears (K2.3). */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { hash as argonHash, verify as argonVerify } from '@node-rs/argon2';
import { kernelErrors } from '#kernel/errors';
import { normalizePassword } from './password-policy.ts';

/** OWASP Password Storage Cheat Sheet: Argon2id with 19 MiB, 2 passes, 1 lane; about 10 ms of one core. */
const parameters = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const currentPrefix = `$argon2id$v=19$m=${parameters.memoryCost},t=${parameters.timeCost},p=${parameters.parallelism}$`;
const algorithmArgon2id = 2;

export interface PasswordHasher {
  /** Returns the hash in PHC form. Throws UNAVAILABLE when too many are waiting. */
  hash(password: string): Promise<string>;
  /** Compares with a stored hash; with null (no such account) does the same work against a dummy and returns false. */
  verify(stored: string | null, password: string): Promise<boolean>;
  /** True when a stored hash was made with other parameters than today's, or with scrypt. */
  needsRehash(stored: string): boolean;
  /** How many wait and run now, for /metrics and tests. */
  stats(): { readonly running: number; readonly waiting: number; readonly peakRunning: number };
}

export interface PasswordHasherOptions {
  /** Hashes at once; each takes a thread of libuv's pool (4 by default) and 19 MiB. */
  readonly concurrency?: number;
  /** Beyond this the caller is told to come back. */
  readonly maxWaiting?: number;
}

/** createGate returns a function that runs at most `concurrency` tasks and lets at most `maxWaiting` wait, in order. */
function createGate(concurrency: number, maxWaiting: number) {
  const waiting: (() => void)[] = [];
  const stats = { running: 0, peakRunning: 0 };
  async function run<T>(task: () => Promise<T>): Promise<T> {
    if (stats.running >= concurrency) {
      if (waiting.length >= maxWaiting) {
        throw kernelErrors.UNAVAILABLE({
          retryAfterSeconds: 1,
          internal: `${waiting.length} password hashes are waiting`,
        });
      }
      await new Promise<void>((resolve) => waiting.push(resolve)); // the one who ends hands its place over
    } else {
      stats.running += 1;
      stats.peakRunning = Math.max(stats.peakRunning, stats.running);
    }
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else stats.running -= 1;
    }
  }
  return { run, stats: () => ({ ...stats, waiting: waiting.length }) };
}

/** verifyScrypt checks a `salt:key` hash as older accounts carry it (N=16384, r=16, p=1, 64 bytes, hex). */
async function verifyScrypt(stored: string, password: string): Promise<boolean> {
  const [salt = '', key = ''] = stored.split(':');
  const expected = Buffer.from(key, 'hex');
  const actual = await new Promise<Buffer>((resolve, reject) => {
    scrypt(password, salt, 64, { N: 16_384, r: 16, p: 1, maxmem: 64 * 1024 * 1024 }, (error, derived) => {
      if (error) reject(error);
      else resolve(derived);
    });
  });
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

/** createPasswordHasher makes the one hasher of a process; its dummy hash is made with today's parameters. */
export async function createPasswordHasher(options: PasswordHasherOptions = {}): Promise<PasswordHasher> {
  // Half of libuv's pool at most: file and DNS work must not wait behind a wave of sign-ins.
  const gate = createGate(options.concurrency ?? Math.min(2, availableParallelism()), options.maxWaiting ?? 100);
  const makeHash = (text: string): Promise<string> => argonHash(text, { ...parameters, algorithm: algorithmArgon2id });
  const dummy = await makeHash(randomBytes(32).toString('base64'));
  return {
    hash: (password) => gate.run(() => makeHash(normalizePassword(password))),
    verify: (stored, password) =>
      gate.run(async () => {
        const normal = normalizePassword(password);
        if (stored === null) {
          await argonVerify(dummy, normal);
          return false;
        }
        return stored.startsWith('$argon2') ? argonVerify(stored, normal) : verifyScrypt(stored, normal);
      }),
    needsRehash: (stored) => !stored.startsWith(currentPrefix),
    stats: gate.stats,
  };
}
