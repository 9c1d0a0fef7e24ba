/** An archive may come from anybody: whatever is in it, it is read within bounds, whole, and never written by its names. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { newId } from '#kernel/ids';
import { makeArchive, makeZip } from '../../../testing/make-zip.ts';
import { openArchive, type Archive } from './open-archive.ts';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'bulkhead-archives-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const open = (bytes: Buffer, maxUnpackedBytes = 1_048_576): Promise<Archive> =>
  openArchive(Readable.from([bytes]), { folder, maxUnpackedBytes });

async function linesOf(archive: Archive, name: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { text } of archive.lines(name)) found.push(text);
  return found;
}

test('[K16.1] lines and files are given as they were packed, by id, whatever follows it in the name', async () => {
  const id = newId();
  const long = '€'.repeat(100_000);
  const bytes = await makeZip({
    'manifest.json': '{"format":2}',
    'portable/agents.jsonl': `one\r\n\n${long}\nlast`,
    [`files/${id}-moon.md`]: 'rock',
  });
  await using archive = await open(bytes);
  expect(await linesOf(archive, 'agents')).toEqual(['one', long, 'last']);
  expect(await linesOf(archive, 'none')).toEqual([]);
  expect((await buffer((await archive.file(id)) ?? Readable.from([]))).toString()).toBe('rock');
  expect(await archive.file(newId())).toBeNull();
  // The spool has no name any more: a process that is killed leaves nothing.
  expect(await readdir(folder)).toEqual([]);
});

test('[K16.1] names that lead out of the archive are refused, and nothing is written by them', async () => {
  const honest = await makeZip({ 'manifest.json': '{"format":1}', 'aa/aa/aa/evil': 'x' });
  const hostile = Buffer.from(honest.toString('latin1').replaceAll('aa/aa/aa/evil', '../../../evil'), 'latin1');
  await expect(open(hostile)).rejects.toMatchObject({ code: 'ARCHIVE_UNREADABLE' });
  expect(await readdir(folder)).toEqual([]);
});

test('[K16.1] what is no archive of ours, or one of a newer version, is told apart', async () => {
  const attempts: [string | Buffer, string][] = [
    ['PK but no ZIP', 'ARCHIVE_UNREADABLE'],
    [await makeZip({ 'holiday.jpg': 'x' }), 'ARCHIVE_UNREADABLE'],
    [await makeZip({ 'manifest.json': 'not json' }), 'ARCHIVE_UNREADABLE'],
    [await makeZip({ 'manifest.json': '{"format":"1"}' }), 'ARCHIVE_UNREADABLE'],
    [await makeZip({ 'manifest.json': '{"format":99}' }), 'ARCHIVE_NEWER'],
  ];
  for (const [bytes, code] of attempts)
    await expect(open(Buffer.from(bytes as Buffer))).rejects.toMatchObject({ code });
});

test('[K16.1] a bomb goes off at its bound: in lines, in a file, and in one file that is asked for again and again', async () => {
  const id = newId();
  const tooMuch = 'a\n'.repeat(600_000);
  const bytes = await makeZip({
    'manifest.json': '{"format":1}',
    'portable/agents.jsonl': tooMuch,
    [`files/${id}`]: 'b'.repeat(700_000),
  });
  expect(bytes.length).toBeLessThan(10_000);
  await using lines = await open(bytes);
  await expect(linesOf(lines, 'agents')).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
  await using files = await open(bytes);
  const read = async () => (await buffer((await files.file(id)) ?? Readable.from([]))).length;
  expect(await read()).toBe(700_000);
  await expect(read()).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
});

test('[K16.1] a line without an end is not collected for ever', async () => {
  await using archive = await open(await makeArchive({ agents: ['x'.repeat(5 * 1_048_576)] }), 100 * 1_048_576);
  await expect(linesOf(archive, 'agents')).rejects.toMatchObject({ code: 'ARCHIVE_TOO_LARGE' });
});

test('[K16.1] a flipped bit is found: a damaged file is left out, damaged lines end the import', async () => {
  const id = newId();
  const whole = await makeArchive({ agents: ['{"name":"Tango"}'] }, { [id]: 'Foxtrot' });
  const damaged = Buffer.from(
    whole.toString('latin1').replace('Tango', 'Tingo').replace('Foxtrot', 'Foxtrit'),
    'latin1',
  );
  await using archive = await open(damaged);
  await expect(linesOf(archive, 'agents')).rejects.toMatchObject({ code: 'ARCHIVE_UNREADABLE' });
  await expect(archive.file(id).then((file) => buffer(file ?? Readable.from([])))).rejects.toMatchObject({
    name: 'SkippedRecord',
  });
});
