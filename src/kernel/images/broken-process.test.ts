/** Whatever the picture process does – hang, grow, die, lie – the server answers clearly, and the next picture works. */
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { createImageService, type CreatedImageService } from './index.ts';
import { ImageWorker } from './image-worker.ts';
import { silentLog } from '../../testing/test-cluster.ts';

const program = fileURLToPath(new URL('./fixtures/misbehave.ts', import.meta.url));
const never = {
  withTenant: () => Promise.reject(new Error('no database')),
  withSystem: () => Promise.reject(new Error()),
};
const config = { imageMaxMb: 5, imageMaxEdge: 2048, imageMaxPixels: 40_000_000, imageTimeoutSeconds: 20 };

function start(pool: Parameters<typeof createImageService>[0]['pool'] = {}): CreatedImageService {
  return createImageService({ config, db: never, log: silentLog, storage: {} as never, pool });
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe('a process that', () => {
  let images: CreatedImageService;
  beforeAll(() => {
    images = start({ program, timeoutMilliseconds: 1_500, memoryMegabytes: 300, maxWorkers: 1 });
  });
  afterAll(() => images.close());

  const does = (deed: string) => images.process(Buffer.from(deed), { kind: 'picture' });

  test.each([
    ['hangs', 'hang', 'IMAGE_TIMEOUT'],
    ['takes ever more memory', 'grow', 'IMAGE_TOO_LARGE'],
    ['dies', 'die', 'IMAGE_UNREADABLE'],
    ['answers what was not agreed', 'lie', 'IMAGE_UNREADABLE'],
    ['announces more than there can be', 'flood', 'IMAGE_UNREADABLE'],
    ['answers no JSON', 'babble', 'IMAGE_UNREADABLE'],
  ])('[K5.3] %s is ended, its picture refused, and the next one is prepared', async (_what, deed, code) => {
    expect(await does('work')).toHaveLength(1);
    const [pid = 0] = images.pids;
    await expect(does(deed)).rejects.toMatchObject({ code, status: expect.toSatisfy((n) => n >= 400 && n < 500) });
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(await does('work')).toHaveLength(1);
    expect(images.pids).not.toContain(pid);
  });

  test('[K5.3] counts its bytes wrong is not believed', async () => {
    await expect(does('miscount')).rejects.toThrow(/do not add up/);
    expect(await does('work')).toHaveLength(1);
  });

  test('[K5.3] [K9.1] looks around finds no secret, and can write, read and start nothing', async () => {
    const worker = new ImageWorker({
      program,
      memoryMegabytes: 300,
      timeoutMilliseconds: 9_000,
      startMilliseconds: 9_000,
    });
    const job = { kind: 'picture', edges: [1], maxPixels: 1, timeoutSeconds: 1 } as const;
    const { answer } = await worker.run(job, Buffer.from('look'));
    worker.kill();
    expect(answer.type === 'refused' && JSON.parse(answer.found ?? '')).toEqual([
      expect.toSatisfy((names: string[]) =>
        names.every((name) => ['MALLOC_ARENA_MAX', 'PWD', 'SHLVL', '_', 'OLDPWD'].includes(name)),
      ),
      false,
      false,
      false,
    ]);
  });
});

test('[K5.3] a process killed from outside costs nobody a picture, at rest or at work', async () => {
  const images = start({ maxWorkers: 1 });
  try {
    const small = await sharp({ create: { width: 20, height: 20, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await images.process(small, { kind: 'avatar' });
    for (const pid of images.pids) process.kill(pid, 'SIGKILL');
    expect(await images.process(small, { kind: 'avatar' })).toHaveLength(1);

    const noise = { type: 'gaussian', mean: 128, sigma: 40 } as const;
    const large = await sharp({ create: { width: 5_000, height: 4_000, channels: 3, background: 'red', noise } })
      .jpeg({ quality: 40 })
      .toBuffer();
    const [pid = 0] = images.pids;
    const under = images.process(large, { kind: 'picture' });
    process.kill(pid, 'SIGKILL');
    expect((await under)[0]).toMatchObject({ width: 2048 });
    expect(images.pids).not.toContain(pid);
  } finally {
    await images.close();
  }
});

test('[K5.3] many pictures at once use two processes; what waits is bounded, and nobody who left is worked for', async () => {
  const images = start({ program, maxWaiting: 3 });
  try {
    const leaving = new AbortController();
    const jobs = Array.from({ length: 7 }, (_, index) =>
      images.process(Buffer.from(index < 2 ? 'hang' : 'work'), {
        kind: 'avatar',
        ...(index <= 2 ? { signal: leaving.signal } : {}),
      }),
    );
    const outcomes = Promise.allSettled(jobs);
    await expect(jobs[5]).rejects.toMatchObject({ code: 'UNAVAILABLE', options: { retryAfterSeconds: 5 } });
    await expect(jobs[6]).rejects.toMatchObject({ code: 'UNAVAILABLE' });
    await expect.poll(() => images.pids.length).toBe(2);
    leaving.abort();
    expect((await outcomes).map(({ status }) => status)).toEqual([
      'rejected',
      'rejected',
      'rejected',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
  } finally {
    await images.close();
  }
  expect(images.pids).toEqual([]);
});

test('[K5.3] an idle process is ended, and closing ends those at work', async () => {
  const images = start({ program, idleMilliseconds: 50 });
  await images.process(Buffer.from('work'), { kind: 'avatar' });
  const [pid = 0] = images.pids;
  await expect.poll(() => isRunning(pid), { timeout: 20_000 }).toBe(false);
  const hanging = images.process(Buffer.from('hang'), { kind: 'avatar' });
  await Promise.all([expect(hanging).rejects.toThrow(), images.close()]);
  expect(images.pids).toEqual([]);
});
