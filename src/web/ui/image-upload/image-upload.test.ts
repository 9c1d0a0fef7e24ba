/** Files are known by their first bytes, and what is refused is told what to do. */
import { expect, test } from 'vitest';
import { refusalOf, sniffPicture } from './open-picture.ts';
import { fitInto } from './shrink-picture.ts';

test.each([
  ['JPEG', '\u00ff\u00d8\u00ff\u00e0'],
  ['PNG', '\u0089PNG\r\n\u001a\n'],
  ['WebP', 'RIFF\u0001\u0002\u0003\u0004WEBPVP8 '],
  ['GIF', 'GIF89a'],
  ['BMP', 'BM\u0001\u0002'],
  ['TIFF', 'II*\0'],
  ['PDF', '%PDF-1.7'],
  ['HEIC', '\0\0\0\u0018ftypheic'],
  ['AVIF', '\0\0\0\u0018ftypavif'],
  ['SVG', '  <svg xmlns="http://www.w3.org/2000/svg">'],
  ['SVG', '<?xml version="1.0"?><svg/>'],
  [null, 'RIFF\u0001\u0002\u0003\u0004WAVE'],
  [null, 'hello'],
  [null, ''],
])('[K5.3] %s is known by its first bytes: %j', (kind, bytes) => {
  expect(sniffPicture(Uint8Array.from(bytes, (letter) => letter.charCodeAt(0)))).toBe(kind);
});

test('[K5.3] each refusal says what is wrong and what to choose; pictures that may be read are not refused', () => {
  expect(refusalOf('JPEG', 0)).toBe('The file is empty. Choose another one.');
  expect(refusalOf(null, 9)).toMatch(/^This file is not a picture\. Choose a JPEG, PNG or WebP file\.$/);
  expect(refusalOf('GIF', 9)).toMatch(/^This is a GIF file, .* Choose a JPEG/);
  expect(refusalOf('SVG', 9)).toMatch(/^This is an SVG file/);
  expect(refusalOf('PNG', 90_000_000)).toMatch(/90 MB; more than 60 MB/);
  for (const kind of ['JPEG', 'PNG', 'WebP', 'HEIC', 'AVIF']) expect(refusalOf(kind, 12_000_000)).toBeNull();
});

test('[K5.3] scaling keeps the shape, never enlarges, and leaves a pixel at least', () => {
  expect(fitInto(4_000, 3_000, 2_048)).toEqual({ width: 2_048, height: 1_536 });
  expect(fitInto(300, 200, 512)).toEqual({ width: 300, height: 200 });
  expect(fitInto(10_000, 1, 512)).toEqual({ width: 512, height: 1 });
});
