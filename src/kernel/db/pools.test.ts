/** A pool tells of connections that broke, and says nothing of those it is closing itself. */
import { expect, test, vi } from 'vitest';
import type { Logger } from '#kernel/log';
import { createPool } from './pools.ts';

test('[K12.5] a broken connection is a warning while the server runs, and none when it ends', async () => {
  const log = { warn: vi.fn() };
  const pool = createPool({
    url: 'postgres://nobody@127.0.0.1:1/none',
    role: 'bulkhead_app',
    max: 1,
    log: log as unknown as Logger,
  });
  const broke = () => pool.emit('error', new Error('terminating connection'), undefined as never);
  broke();
  expect(log.warn).toHaveBeenCalledTimes(1);
  const ended = pool.end();
  broke();
  await ended;
  broke();
  expect(log.warn).toHaveBeenCalledTimes(1);
});
