/** probeServices says which optional partners of the tests answer on this machine: PostgreSQL, Redis and a Chromium. */
import { accessSync, constants } from 'node:fs';
import { connect } from 'node:net';

export type Service = 'postgres' | 'redis' | 'chromium';

export interface Services {
  /** Connection string of a PostgreSQL superuser on loopback, or null. */
  readonly postgres: string | null;
  readonly redis: string | null;
  /** Path of a browser that Playwright can drive, or null. */
  readonly chromium: string | null;
}

const probeTimeoutMilliseconds = 2_000;
const browserPaths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];

/** exchange connects, sends bytes and resolves to the first bytes that come back, or null when nobody answers in time. */
export function exchange(port: number, bytes: Uint8Array): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const finish = (answer: string | null) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(probeTimeoutMilliseconds, () => finish(null));
    socket.once('connect', () => socket.write(bytes));
    socket.once('data', (data) => finish(data.toString('latin1')));
    socket.once('error', () => finish(null));
    socket.once('close', () => finish(null));
  });
}

/** PostgreSQL's SSLRequest message: every version answers it with one letter, S or N, before any authentication. */
const sslRequest = Uint8Array.from([0, 0, 0, 8, 4, 210, 22, 47]);

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false; // not there, or not ours to run
  }
}

/** probeServices prefers what the environment names over what is found. */
export async function probeServices(environment: NodeJS.ProcessEnv): Promise<Services> {
  const [postgres, redis] = await Promise.all([
    exchange(5432, sslRequest),
    exchange(6379, Buffer.from('PING\r\n', 'latin1')),
  ]);
  const foundPostgres = postgres === 'S' || postgres === 'N' ? 'postgres://postgres@127.0.0.1:5432/postgres' : null;
  const foundRedis = redis?.startsWith('+PONG') ? 'redis://127.0.0.1:6379' : null;
  return {
    postgres: environment['TEST_DATABASE_URL'] ?? foundPostgres,
    redis: environment['TEST_REDIS_URL'] ?? foundRedis,
    chromium: environment['TEST_CHROMIUM'] ?? browserPaths.find(isExecutable) ?? null,
  };
}

/** missingServices returns the services that `BULKHEAD_TEST_REQUIRE` (comma-separated) asks for and that are not there. */
export function missingServices(required: string | undefined, services: Services): string[] {
  const names = (required ?? '').split(',').map((name) => name.trim());
  return names.filter((name) => name !== '' && !services[name as Service]);
}
