/** Counters in Redis or Valkey: one script per take, and never a wait longer than the command timeout. */
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { CounterStore } from './counter-store.ts';

const longestReconnectDelayMilliseconds = 1_000;

/** createRedisStore connects in the background and keeps reconnecting; calls made meanwhile fail at once. */
export function createRedisStore(url: string, commandTimeoutMilliseconds: number): CounterStore {
  // ioredis knows redis: and rediss: only; Valkey speaks the same protocol under its own scheme.
  const client = new Redis(url.replace(/^valkey(s?):/, 'redis$1:'), {
    commandTimeout: commandTimeoutMilliseconds,
    connectTimeout: 2_000,
    // A peer that vanished without closing would otherwise keep the socket for the kernel's retransmission time.
    socketTimeout: 3_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    retryStrategy: (attempt) => Math.min(attempt * 50, longestReconnectDelayMilliseconds),
  });
  // Each failing call reports its own error to the breaker; this event only repeats it and would crash if unheard.
  client.on('error', () => undefined);
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: 'bulkhead:limit',
    points: 0,
    duration: 1,
    rejectIfRedisNotReady: true,
  });
  return {
    name: 'redis',
    async add(key, points, windowSeconds) {
      const result = await limiter.penalty(key, points, { customDuration: windowSeconds });
      return { used: result.consumedPoints, leftMilliseconds: result.msBeforeNext };
    },
    async clear(key) {
      await limiter.delete(key);
    },
    async ping() {
      await client.ping();
    },
    async close() {
      client.disconnect();
    },
  };
}
