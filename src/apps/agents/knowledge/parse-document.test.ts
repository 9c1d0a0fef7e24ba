/** Reading untrusted files: what is readable is read, what is hostile ends in its own process with a clear code. */
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { makePdf } from '../../../testing/make-pdf.ts';
import { parseDocument, type ParseOptions } from './parse-document.ts';
import { LineTooLong, parsedLine, splitLines, type ParsedPassage } from './parsed-line.ts';

async function parse(body: Uint8Array | Readable, contentType: string, options: Partial<ParseOptions> = {}) {
  const passages: ParsedPassage[] = [];
  const progress: number[] = [];
  const stream = body instanceof Readable ? body : Readable.from([body]);
  const result = await parseDocument(stream, {
    contentType,
    onPassages: async (items, percent) => {
      passages.push(...items);
      progress.push(percent);
    },
    ...options,
  });
  return { ...result, passages, progress };
}

test('[A3] a PDF is read page by page, with paragraphs, page numbers and progress', async () => {
  const pdf = makePdf([
    'Shipping takes five days.\nEverywhere in Europe.\n\nReturns are free.',
    'Gr\u00fc\u00dfe von Seite zwei.',
    '',
  ]);
  const { passages, pageCount, progress } = await parse(pdf, 'application/pdf');
  expect(pageCount).toBe(3);
  expect(passages.map(({ page, text }) => [page, text])).toEqual([
    [1, 'Shipping takes five days.\nEverywhere in Europe.\n\nReturns are free.'],
    [2, 'Grüße von Seite zwei.'],
  ]);
  expect(passages[1]!.search).toContain('grusse');
  expect(progress).toEqual([33, 66]);
});

test('[A3] an encrypted PDF says so', async () => {
  await expect(parse(makePdf(['secret'], { isEncrypted: true }), 'application/pdf')).rejects.toMatchObject({
    code: 'DOCUMENT_ENCRYPTED',
  });
});

test('[A3] a scanned PDF says that it holds no text', async () => {
  await expect(parse(makePdf(['', '']), 'application/pdf')).rejects.toMatchObject({ code: 'DOCUMENT_HAS_NO_TEXT' });
});

test('[A3] a damaged PDF says so', async () => {
  const garbage = new Uint8Array(Buffer.from(`%PDF-1.7\n${'garbage '.repeat(1_000)}`));
  await expect(parse(garbage, 'application/pdf')).rejects.toMatchObject({ code: 'DOCUMENT_DAMAGED' });
});

test('[A3] text that is in no known encoding says so', async () => {
  const koi8 = new Uint8Array(
    Array.from({ length: 400 }, (_, index) => (index % 6 === 0 ? 0x20 : 0xc0 + (index % 32))),
  );
  await expect(parse(koi8, 'text/plain')).rejects.toMatchObject({ code: 'DOCUMENT_NOT_TEXT' });
});

test('[A3] characters that the database cannot store do not cost the document', async () => {
  const utf16 = Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from('before\u0000after', 'utf16le')]);
  const { passages } = await parse(new Uint8Array(utf16), 'text/plain');
  expect(passages[0]!.text).toBe('beforeafter');
});

test('[A3] a file that eats memory is stopped in its own process and this one does not grow', async () => {
  const piece = Buffer.alloc(1_048_576, 'words and more words. ');
  async function* bomb() {
    for (let megabyte = 0; megabyte < 200; megabyte += 1) yield piece;
  }
  const before = process.memoryUsage().rss;
  await expect(parse(Readable.from(bomb()), 'text/plain', { residentMegabytes: 150 })).rejects.toMatchObject({
    code: 'DOCUMENT_TOO_COMPLEX',
  });
  expect(process.memoryUsage().rss - before).toBeLessThan(100 * 1_048_576);
});

test('[A3] a file that never ends is stopped after the silence', async () => {
  const endless = new Readable({ read: () => undefined });
  await expect(parse(endless, 'text/plain', { silenceMilliseconds: 300 })).rejects.toMatchObject({
    code: 'DOCUMENT_TOO_COMPLEX',
  });
  expect(endless.destroyed).toBe(true);
});

test('[A3] a failing consumer ends the reading and is heard', async () => {
  const failing = parse(new Uint8Array(Buffer.from('some text')), 'text/plain', {
    onPassages: () => Promise.reject(new Error('the database is away')),
  });
  await expect(failing).rejects.toThrow('the database is away');
});

test('[A3] a 25 kB file is read within 128 MB, the process itself included', async () => {
  const text = new Uint8Array(Buffer.from('A sentence of a very ordinary document. '.repeat(640)));
  const { passageCount } = await parse(text, 'text/plain', { residentMegabytes: 128 });
  expect(passageCount).toBeGreaterThan(20);
});

test('[A3] many files at once are read two at a time', async () => {
  const words = new Uint8Array(Buffer.from('Some words.'));
  let open = 0;
  let most = 0;
  const onPassages = async () => {
    open += 1;
    most = Math.max(most, open);
    await new Promise((resolve) => setImmediate(resolve));
    open -= 1;
  };
  await Promise.all(Array.from({ length: 6 }, () => parse(words, 'text/plain', { onPassages })));
  expect(most).toBeLessThanOrEqual(2);
});

test('[A3] a reader taken over by its file can neither flood the server nor speak out of form', async () => {
  const flood = (async function* () {
    for (;;) yield Buffer.alloc(1_048_576, 'x');
  })();
  const read = async () => {
    for await (const line of splitLines(flood)) expect(line).toBe('never');
  };
  await expect(read()).rejects.toThrow(LineTooLong);
  const passage = { text: 'x', headings: [], page: null, search: 'x' };
  expect(parsedLine.safeParse({ type: 'passages', progress: 1, items: [passage] }).success).toBe(true);
  expect(parsedLine.safeParse({ type: 'passages', progress: 1, items: [{ ...passage, id: 'chosen' }] }).success).toBe(
    false,
  );
  expect(
    parsedLine.safeParse({ type: 'passages', progress: 1, items: [{ ...passage, text: 'x'.repeat(9_000) }] }).success,
  ).toBe(false);
});

test('[A3] lines survive being cut anywhere, in the middle of a character too', async () => {
  const bytes = Buffer.from('{"a":"ü"}\n{"b":"😀"}\n');
  const cut = (async function* () {
    for (const byte of bytes) yield new Uint8Array([byte]);
  })();
  const lines: string[] = [];
  for await (const line of splitLines(cut)) lines.push(line);
  expect(lines).toEqual(['{"a":"ü"}', '{"b":"😀"}']);
});
