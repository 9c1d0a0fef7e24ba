/** A text is read in its encoding or refused; nobody gets mojibake quoted. */
import { expect, test } from 'vitest';
import { decodeText } from './decode-text.ts';
import { sniffContent } from './sniff-content.ts';

const bytes = (...values: number[]) => new Uint8Array(values);
const text = (value: string, encoding: BufferEncoding = 'utf8') => new Uint8Array(Buffer.from(value, encoding));

test('[A3] UTF-8 is read, with or without a byte order mark', () => {
  expect(decodeText(text('Grüße, 你好'))).toBe('Grüße, 你好');
  expect(decodeText(text('\uFEFFGrüße'))).toBe('Grüße');
});

test('[A3] UTF-16 with a byte order mark is read in both orders', () => {
  const little = text('\uFEFFGrüße', 'utf16le');
  expect(decodeText(little)).toBe('Grüße');
  expect(decodeText(new Uint8Array(Buffer.from(little).swap16()))).toBe('Grüße');
});

test('[A3] western text in Windows-1252 is read as what it is', () => {
  const german = Buffer.from('Die Lieferung dauert fünf Tage. Rücksendungen sind für Käufer kostenlos.', 'latin1');
  expect(decodeText(new Uint8Array(german))).toContain('fünf Tage. Rücksendungen');
});

test('[A3] text in a code page we cannot tell is refused rather than garbled', () => {
  // "Привет, как дела?" in KOI8-R.
  const russian = bytes(
    0xf0,
    0xd2,
    0xc9,
    0xd7,
    0xc5,
    0xd4,
    0x2c,
    0x20,
    0xcb,
    0xc1,
    0xcb,
    0x20,
    0xc4,
    0xc5,
    0xcc,
    0xc1,
    0x3f,
  );
  expect(decodeText(russian)).toBeNull();
  // "こんにちは" in Shift-JIS.
  expect(decodeText(bytes(0x82, 0xb1, 0x82, 0xf1, 0x82, 0xc9, 0x82, 0xbf, 0x82, 0xcd))).toBeNull();
  expect(decodeText(bytes(0x00, 0x01, 0x02, 0x41))).toBeNull();
});

test('[K5.3] a file is judged by its bytes, not by its name', async () => {
  expect(await sniffContent(text('%PDF-1.7 …'), 'notes.txt')).toBe('application/pdf');
  expect(await sniffContent(text('# Hello'), 'readme.md')).toBe('text/markdown');
  expect(await sniffContent(text('# Hello'), 'readme.pdf')).toBe('text/plain');
  const picture = Buffer.from(
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
    'base64',
  );
  await expect(sniffContent(new Uint8Array(picture), 'notes.txt')).rejects.toMatchObject({
    code: 'DOCUMENT_TYPE_UNSUPPORTED',
  });
  await expect(sniffContent(text('<!DOCTYPE html><p>x'), 'notes.txt')).rejects.toMatchObject({
    code: 'DOCUMENT_TYPE_UNSUPPORTED',
  });
  await expect(sniffContent(bytes(1, 2, 3, 0, 5), 'notes.txt')).rejects.toMatchObject({ code: 'DOCUMENT_NOT_TEXT' });
  await expect(sniffContent(bytes(), 'notes.txt')).rejects.toMatchObject({ code: 'DOCUMENT_EMPTY' });
});
