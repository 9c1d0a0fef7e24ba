/** Pictures in a real browser: chosen, cropped, made small, sent and shown; refused and repeated with words that help. */
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { TestClient } from '../src/testing/client.ts';
import { hasSidewaysScroll, inspect, startEndToEnd, type EndToEnd, type Tab } from './harness.ts';

let end: EndToEnd;
let tab: Tab;
let photo: Buffer;
let client: TestClient;

beforeAll(async () => {
  end = await startEndToEnd({ environment: { LIMITS: 'auth.picture=1000/60,organisation.picture=1000/60' } });
  ({ client } = await end.server.signUpOwner());
  tab = await end.openTab();
  const [name = '', value = ''] = client.cookie.split(/=(.*)/s);
  await tab.context.addCookies([{ name, value, url: end.server.url.replace('http:', 'https:'), secure: true }]);
  photo = await makePhoto();
});
afterAll(() => end?.[Symbol.asyncDispose]());

/** A wide photo held sideways, with a place in it: red, green and blue from left to right once it is upright. */
async function makePhoto(): Promise<Buffer> {
  const stripes = ['red', 'green', 'blue'].map((background, index) => ({
    input: { create: { width: 1_000, height: 2_000, channels: 3 as const, background } },
    left: index * 1_000,
    top: 0,
  }));
  const upright = await sharp({ create: { width: 3_000, height: 2_000, channels: 3, background: 'white' } })
    .composite(stripes)
    .png()
    .toBuffer();
  return sharp(upright)
    .rotate(-90)
    .jpeg()
    .withExif({ IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' } })
    .withMetadata({ orientation: 6 })
    .toBuffer();
}

const choose = (name: string, mimeType: string, buffer: Buffer) =>
  tab.page.getByLabel('File of the picture').setInputFiles({ name, mimeType, buffer });

async function openProfile(): Promise<void> {
  await tab.page.goto('/settings/profile');
  await tab.page.getByRole('heading', { name: 'Picture' }).waitFor();
}

const use = () => tab.page.getByRole('button', { name: 'Use picture' });

/** shownPicture is the picture beside the buttons, once it is loaded. */
async function shownPicture(): Promise<Buffer> {
  const image = tab.page.locator('main img[src*="/picture?"]');
  await image.waitFor();
  const response = await tab.context.request.get((await image.getAttribute('src')) ?? '');
  return response.body();
}

async function expectClean(name: string): Promise<void> {
  const { violations } = await inspect(tab, name);
  expect(violations, name).toEqual([]);
  expect(await hasSidewaysScroll(tab.page), `${name} scrolls sideways`).toBe(false);
  expect(tab.complaints, name).toEqual([]);
}

describe('[K5.3] a profile picture', () => {
  test('is cropped by keyboard, told in size before and after, sent small and shown everywhere', async () => {
    await openProfile();
    await expectClean('picture-none');
    await tab.page.getByText('up to 5 MB and 2048 × 2048 pixels').waitFor();
    await choose('holiday.jpg', 'image/jpeg', photo);
    await tab.page.getByText(/Your file: 3000 × 2000, \d/).waitFor();
    await tab.page.getByText(/To be sent: 512 × 512, [\d.]+ kB/).waitFor();
    await expectClean('picture-crop');
    const frame = tab.page.getByRole('group', { name: 'Frame: arrow keys move it' });
    await frame.focus();
    for (let step = 0; step < 40; step += 1) await tab.page.keyboard.press('Control+ArrowLeft');
    await tab.page.getByText(/To be sent: 512 × 512, [\d.]+ kB/).waitFor();
    await use().click();
    await tab.page.getByText('Your new picture is saved.').waitFor();
    const { data, info } = await sharp(await shownPicture())
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([320, 320]);
    // Its left part: red first, and no blue at the right edge.
    const middle = (x: number) => [...data.subarray((160 * 320 + x) * 3, (160 * 320 + x) * 3 + 3)];
    expect(middle(10)[0]).toBeGreaterThan(200);
    expect(middle(310)[2]).toBeLessThan(100);
    await expect.poll(() => tab.page.locator('img[src*="/picture?"]').count()).toBeGreaterThan(1);
    await expectClean('picture-set');
  });

  test('with few pixels is warned of; another is kept until the new one is saved; removing brings the letters back', async () => {
    await openProfile();
    const small = await sharp({ create: { width: 40, height: 40, channels: 3, background: 'red' } })
      .png()
      .toBuffer();
    await choose('tiny.png', 'image/png', small);
    await tab.page.getByText(/few pixels and will look blurred/).waitFor();
    await tab.page.getByRole('button', { name: 'Cancel' }).click();
    await shownPicture();
    await tab.page.getByRole('button', { name: 'Remove' }).click();
    await tab.page.getByText('Your picture is removed.').waitFor();
    await tab.page.locator('main [data-initials="AL"]').waitFor();
  });

  test.each([
    [
      'a HEIC photo',
      'IMG_1.HEIC',
      Buffer.from('\0\0\0\u0018ftypheic\0\0\0\0mif1heic', 'latin1'),
      /HEIC photo, as iPhones/,
    ],
    ['a GIF', 'a.gif', Buffer.from('GIF89a\u0001\0\u0001\0', 'latin1'), /a GIF file/],
    ['an SVG named PNG', 'a.png', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), /an SVG file/],
    ['a text', 'a.jpg', Buffer.from('hello'), /not a picture/],
    ['an empty file', 'a.jpg', Buffer.alloc(0), /empty/],
    ['half a PNG', 'a.png', Buffer.from('\u0089PNG\r\n\u001a\n\0\0', 'latin1'), /damaged or incomplete/],
  ])('that is %s is refused before it is sent, with what to do', async (_what, name, bytes, says) => {
    await openProfile();
    let puts = 0;
    const count = (request: { method(): string }) => void (puts += request.method() === 'PUT' ? 1 : 0);
    tab.page.on('request', count);
    await choose(name, 'image/png', bytes);
    await tab.page.getByRole('alert').getByText(says).waitFor();
    tab.page.off('request', count);
    expect(puts).toBe(0);
    expect(tab.complaints).toEqual([]);
  });

  test('that is dropped or pasted is taken as well', async () => {
    await openProfile();
    for (const kind of ['drop', 'paste'] as const) {
      await tab.page.evaluate(
        ([bytes, event]) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([Uint8Array.from(bytes as number[])], 'p.jpg', { type: 'image/jpeg' }));
          const target = document.querySelector('main button[aria-describedby]');
          target?.dispatchEvent(
            event === 'drop'
              ? new DragEvent('drop', { dataTransfer: transfer, bubbles: true, cancelable: true })
              : new ClipboardEvent('paste', { clipboardData: transfer, bubbles: true, cancelable: true }),
          );
        },
        [[...(await sharp(photo).autoOrient().resize(300).jpeg().toBuffer())], kind] as const,
      );
      await tab.page.getByText(/Your file: 300 × 200/).waitFor();
      await tab.page.getByRole('button', { name: 'Cancel' }).click();
      await use().waitFor({ state: 'detached' });
    }
  });

  test('whose sending breaks off or is refused can be sent again, and one on its way can be cancelled', async () => {
    await openProfile();
    const pattern = '**/api/v1/profile/picture';
    let answers = 0;
    await tab.context.route(pattern, async (route) => {
      answers += 1;
      if (answers === 1) return route.abort('connectionreset');
      if (answers === 2) return; // stays under way
      await route.fallback();
    });
    await choose('p.jpg', 'image/jpeg', photo);
    await use().click();
    await tab.page
      .getByRole('alert')
      .getByText(/reach|connection|network/i)
      .waitFor();
    await expectClean('picture-failed');
    await tab.page.getByRole('button', { name: 'Send it again' }).click();
    await tab.page.getByText(/^0 % of [\d.]+ kB sent$/).waitFor();
    await tab.page.getByRole('button', { name: 'Cancel' }).click();
    await tab.page.getByText(/kB sent$/).waitFor({ state: 'detached' });
    await choose('p.jpg', 'image/jpeg', photo);
    await use().click();
    await tab.page.getByText('Your new picture is saved.').waitFor();
    await tab.context.unroute(pattern);
    await shownPicture();
  });
});

test('[K5.3] [K13.1] an organisation has a picture too, shown above the navigation', async () => {
  const team = await client.expect(201, 'POST /organisations', { body: { name: 'Harbour crew' } });
  await client.expect(200, `POST /organisations/${team.json.id}/switch`);
  const { page } = tab;
  await page.goto('/settings/organisation');
  await page.getByRole('heading', { name: 'Picture' }).waitFor();
  await choose('logo.png', 'image/png', await sharp(photo).autoOrient().resize(600).png().toBuffer());
  await page.getByText(/To be sent: 400 × 400/).waitFor();
  await use().click();
  await page.getByText('The new picture is saved.').waitFor();
  const marks = page.locator('img[src*="/api/v1/files/"]');
  await expect.poll(() => marks.count()).toBeGreaterThan(2);
  await expectClean('picture-organisation');
  await page.getByRole('button', { name: 'Remove' }).click();
  await page.getByText('The picture is removed.').waitFor();
  await expect.poll(() => marks.count()).toBe(0);
});
