/** A test makes a ZIP archive of its own. */
import { buffer } from 'node:stream/consumers';
import type { Readable } from 'node:stream';
import yazl from 'yazl';

/** makeZip packs texts and bytes under their names, in memory. */
export async function makeZip(entries: Readonly<Record<string, string | Buffer>>, compress = true): Promise<Buffer> {
  const zip = new yazl.ZipFile();
  for (const [name, body] of Object.entries(entries)) zip.addBuffer(Buffer.from(body as Buffer), name, { compress });
  zip.end();
  return buffer(zip.outputStream as Readable);
}

/** makeArchive packs lines as an archive of data has them, with a manifest. */
export function makeArchive(
  sets: Readonly<Record<string, readonly (object | string)[]>>,
  files: Readonly<Record<string, string | Buffer>> = {},
): Promise<Buffer> {
  const texts = Object.entries(sets).map(([name, records]) => [
    `portable/${name}.jsonl`,
    records.map((record) => `${typeof record === 'string' ? record : JSON.stringify(record)}\n`).join(''),
  ]);
  const named = Object.entries(files).map(([id, body]) => [`files/${id}`, body]);
  return makeZip({ 'manifest.json': '{"format":1}', ...Object.fromEntries([...texts, ...named]) }, false);
}
