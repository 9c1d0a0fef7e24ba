/** Pictures come out upright, small and without a trace of where they were taken; what goes, goes with its bytes. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import sharp from 'sharp';
import { newId } from '#kernel/ids';
import { createObjectStore, type ObjectStore } from '#kernel/storage';
import { asAdmin } from '../../testing/as-admin.ts';
import { createTestDatabase, type TestDatabase } from '#testing/database';
import { silentLog } from '../../testing/test-cluster.ts';
import { createImageService, type CreatedImageService } from './index.ts';

let ground: TestDatabase;
let storage: ObjectStore;
let images: CreatedImageService;
const scope = { tenantId: newId(), userId: newId() };

beforeAll(async () => {
  ground = await createTestDatabase();
  storage = createObjectStore({ config: ground.config, db: ground.db, log: silentLog });
  images = createImageService({ config: ground.config, db: ground.db, log: silentLog, storage });
});
afterAll(async () => {
  await images.close();
  await storage.close();
  await ground[Symbol.asyncDispose]();
});

/** A picture whose left half is red and right half blue. */
function twoColours(width: number, height: number) {
  const half = { width: Math.floor(width / 2), height, channels: 3 as const };
  return sharp({ create: { width, height, channels: 3, background: 'blue' } }).composite([
    { input: { create: { ...half, background: 'red' } }, left: 0, top: 0 },
  ]);
}

const solid = (background: string) => sharp({ create: { width: 50, height: 50, channels: 3, background } });

async function pixelAt(bytes: Uint8Array, fromLeft: number, fromTop: number): Promise<'red' | 'blue'> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const at = (Math.floor(info.height * fromTop) * info.width + Math.floor(info.width * fromLeft)) * info.channels;
  return (data[at] ?? 0) > (data[at + 2] ?? 0) ? 'red' : 'blue';
}

describe('preparing', () => {
  test.each(['jpeg', 'png', 'webp'] as const)(
    '[K5.3] a %s becomes WebP in each size that is smaller, never enlarged',
    async (format) => {
      const sizes = await images.process(await twoColours(1_000, 500).toFormat(format).toBuffer(), { kind: 'picture' });
      expect(sizes.map(({ edge, width, height }) => [edge, width, height])).toEqual([
        [2048, 1000, 500],
        [960, 960, 480],
        [320, 320, 160],
        [96, 96, 48],
      ]);
      for (const { bytes, width, height } of sizes)
        expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width, height });
      expect(await pixelAt(sizes[3]?.bytes ?? new Uint8Array(), 0.1, 0.5)).toBe('red');
    },
  );

  test('[K5.3] a larger picture is scaled down to the largest edge', async () => {
    const [largest] = await images.process(await twoColours(4_000, 1_000).jpeg().toBuffer(), { kind: 'picture' });
    expect([largest?.width, largest?.height]).toEqual([2048, 512]);
  });

  test('[K5.3] an avatar is the square in the middle, in three sizes', async () => {
    const sizes = await images.process(await twoColours(1_200, 600).png().toBuffer(), { kind: 'avatar' });
    expect(sizes.map(({ width, height }) => [width, height])).toEqual([
      [512, 512],
      [320, 320],
      [96, 96],
    ]);
    const small = await images.process(await twoColours(60, 40).png().toBuffer(), { kind: 'avatar' });
    expect(small.map(({ width, height }) => [width, height])).toEqual([[40, 40]]);
  });

  test('[K5.3] a photo held sideways is turned upright, and no word of camera, place or profile is left', async () => {
    const photo = await twoColours(400, 200)
      .jpeg()
      .withExif({
        IFD0: { Make: 'SecretCamera', Copyright: 'Ada Lovelace' },
        IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1', GPSLongitudeRef: 'W', GPSLongitude: '0/1 7/1 0/1' },
      })
      .withMetadata({ orientation: 6 })
      .withXmp('<x:xmpmeta xmlns:x="adobe:ns:meta/"><note>SecretPlace</note></x:xmpmeta>')
      .toBuffer();
    const before = await sharp(photo).metadata();
    expect([before.orientation, Boolean(before.exif), Boolean(before.xmp)]).toEqual([6, true, true]);
    const sizes = await images.process(photo, { kind: 'picture' });
    for (const { bytes, width, height } of sizes) {
      const after = await sharp(bytes).metadata();
      expect(height).toBe(width * 2);
      expect([after.orientation, after.exif, after.xmp, after.icc, after.iptc]).toEqual(
        Array.from({ length: 5 }, () => undefined),
      );
      expect(Buffer.from(bytes).includes('Secret')).toBe(false);
      // Turned clockwise, what was left is up.
      expect([await pixelAt(bytes, 0.5, 0.1), await pixelAt(bytes, 0.5, 0.9)]).toEqual(['red', 'blue']);
    }
  });

  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    '[K5.3] a photo of EXIF orientation %i comes out upright, as picture and as avatar',
    async (orientation) => {
      const photo = await twoColours(400, 200).jpeg().withMetadata({ orientation }).toBuffer();
      const [largest] = await images.process(photo, { kind: 'picture' });
      const isTurned = orientation > 4;
      expect([largest?.width, largest?.height]).toEqual(isTurned ? [200, 400] : [400, 200]);
      const isRedFirst = [1, 4, 5, 6].includes(orientation);
      const bytes = largest?.bytes ?? new Uint8Array();
      const ends = isTurned
        ? [await pixelAt(bytes, 0.5, 0.1), await pixelAt(bytes, 0.5, 0.9)]
        : [await pixelAt(bytes, 0.1, 0.5), await pixelAt(bytes, 0.9, 0.5)];
      expect(ends).toEqual(isRedFirst ? ['red', 'blue'] : ['blue', 'red']);
      const [avatar] = await images.process(photo, { kind: 'avatar' });
      expect([avatar?.width, avatar?.height]).toEqual([200, 200]);
    },
  );

  test.each(['cmyk', 'p3'])(
    '[K5.3] a photo in the colours of %s becomes sRGB, without its profile',
    async (profile) => {
      const photo = await twoColours(400, 200).withIccProfile(profile).jpeg().toBuffer();
      expect((await sharp(photo).metadata()).icc).toBeDefined();
      const [largest] = await images.process(photo, { kind: 'picture' });
      const bytes = largest?.bytes ?? new Uint8Array();
      expect(await sharp(bytes).metadata()).toMatchObject({ space: 'srgb', channels: 3 });
      expect((await sharp(bytes).metadata()).icc).toBeUndefined();
      expect([await pixelAt(bytes, 0.1, 0.5), await pixelAt(bytes, 0.9, 0.5)]).toEqual(['red', 'blue']);
    },
  );

  test('[K5.3] of an animation the first frame is left', async () => {
    const frames = await Promise.all(['red', 'blue'].map((background) => solid(background).png().toBuffer()));
    const animated = await sharp(frames, { join: { animated: true } })
      .webp({ loop: 0, delay: [100, 100] })
      .toBuffer();
    expect((await sharp(animated).metadata()).pages).toBe(2);
    const [largest] = await images.process(animated, { kind: 'picture' });
    const { pages, width, height } = await sharp(largest?.bytes).metadata();
    expect([pages ?? 1, width, height]).toEqual([1, 50, 50]);
    expect(await pixelAt(largest?.bytes ?? new Uint8Array(), 0.5, 0.5)).toBe('red');
  });

  test('[K5.3] transparency stays', async () => {
    const clear = sharp({ create: { width: 50, height: 50, channels: 4, background: { r: 0, g: 0, b: 0, alpha: 0 } } });
    const [largest] = await images.process(await clear.png().toBuffer(), { kind: 'picture' });
    expect(await sharp(largest?.bytes).metadata()).toMatchObject({ hasAlpha: true });
  });
});

describe('keeping', () => {
  const countObjects = async () =>
    (await asAdmin(ground, (query) => query(`select 1 from kernel.objects where tenant_id = '${scope.tenantId}'`)))
      .length;

  test('[K13.1] the smallest size that fills the place is served, and removing the picture removes every object', async () => {
    const { id } = await images.store(scope, await twoColours(1_000, 500).png().toBuffer(), { kind: 'picture' });
    expect(await countObjects()).toBe(4);
    const widthOf = async (edge: number) => {
      const { body } = await images.open(scope, id, edge);
      return (await sharp(Buffer.concat(await body.toArray())).metadata()).width;
    };
    expect([
      await widthOf(50),
      await widthOf(96),
      await widthOf(97),
      await widthOf(2_000),
      await widthOf(9_000),
    ]).toEqual([96, 96, 320, 1000, 1000]);
    await expect(images.open({ tenantId: newId() }, id, 96)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await ground.db.withTenant(scope, (tx) => images.remove(tx, id));
    expect(await countObjects()).toBe(0);
    expect((await storage.sweep()).removed).toBe(4);
    await expect(images.open(scope, id, 96)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('[K13.1] a picture that nothing came to show is swept away after an hour, a kept one never', async () => {
    const bytes = await twoColours(90, 90).png().toBuffer();
    const [forgotten, kept, fresh] = await Promise.all(
      [1, 2, 3].map(() => images.store(scope, bytes, { kind: 'picture' })),
    );
    await ground.db.withTenant(scope, (tx) => images.keep(tx, kept?.id ?? ''));
    await asAdmin(ground, (query) =>
      query('update kernel.images set expires_at = expires_at - interval $$61 minutes$$ where id <> $1', [fresh?.id]),
    );
    expect(await images.sweep()).toBe(1);
    await expect(images.open(scope, forgotten?.id ?? '', 96)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    for (const image of [kept, fresh]) (await images.open(scope, image?.id ?? '', 96)).body.destroy();
    expect(await countObjects()).toBe(2);
  });
});
