/** A Redis of the test's own, which it may start, kill and freeze. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** isRedisRequired tells whether this run was told to have Redis (BULKHEAD_TEST_REQUIRE): then missing it is a failure. */
export function isRedisRequired(): boolean {
  return (process.env['BULKHEAD_TEST_REQUIRE'] ?? '').split(',').includes('redis');
}

/** isRedisInstalled tells whether there is a redis-server to start. */
export function isRedisInstalled(): boolean {
  return spawnSync('redis-server', ['--version']).status === 0;
}

/** RedisProcess is a redis-server without persistence; it is killed when disposed. */
export class RedisProcess implements AsyncDisposable {
  readonly port: number;
  #child: ChildProcess | undefined;

  constructor(port: number) {
    this.port = port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start(): Promise<this> {
    const child = spawn(
      'redis-server',
      ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    this.#child = child;
    for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept connections')) break;
    child.stdout.resume();
    return this;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    if (!child) return;
    this.#child = undefined;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
