/** A test looks into a ZIP archive. */
import yauzl from 'yauzl';

export interface ReadArchive {
  readonly names: readonly string[];
  text(name: string): string;
}

/** readZip reads a whole archive into memory, every file as UTF-8. */
export async function readZip(bytes: Buffer): Promise<ReadArchive> {
  const zip = await yauzl.fromBufferPromise(bytes);
  const files = new Map<string, string>();
  for await (const entry of zip.eachEntry()) {
    const chunks: Buffer[] = [];
    for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk as Buffer);
    files.set(entry.fileName, Buffer.concat(chunks).toString('utf8'));
  }
  return { names: [...files.keys()], text: (name) => files.get(name) ?? '' };
}
