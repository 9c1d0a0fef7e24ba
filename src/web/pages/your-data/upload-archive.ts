/** An archive goes up in pieces: one that is lost on a bad line is sent again, and a closed page goes on where it was. */
import { ApiProblem, isAborted } from '../../api.ts';
import type { UploadFile } from '../../ui/use-uploads.ts';
import { privacyApi, type DataImport } from './privacy-api.ts';

/** A line that is away for longer than these pauses together ends the try; choosing the file again goes on. */
const pausesMilliseconds = [1_000, 2_000, 4_000, 8_000, 15_000];

const pause = (milliseconds: number, signal: AbortSignal) =>
  new Promise<void>((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(new DOMException('The upload was cancelled.', 'AbortError'));
    });
  });

/** persist tries again what failed for a while only. */
async function persist<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T> {
  for (const milliseconds of pausesMilliseconds) {
    try {
      return await attempt();
    } catch (error) {
      if (isAborted(error) || !(error instanceof ApiProblem) || !error.isRetryable) throw error;
      await pause(milliseconds, signal);
    }
  }
  return attempt();
}

/** uploadArchive announces the file, or finds how much of it has arrived, and sends the rest. Throws ApiProblem. */
export const uploadArchive: UploadFile = async (file, { signal, onProgress }) => {
  const { partBytes } = await privacyApi('GET /import-limits', { signal });
  const body = { filename: file.name, sizeBytes: file.size };
  let known: DataImport = await privacyApi('POST /import-uploads', { body, signal });
  const { id: importId } = known;
  while (known.state === 'receiving') {
    const firstByte = known.receivedBytes;
    const piece = new File([file.slice(firstByte, firstByte + partBytes)], file.name, { type: 'application/zip' });
    const tell = (fraction: number) => onProgress((firstByte + fraction * piece.size) / file.size);
    tell(0);
    known = await persist(signal, () =>
      privacyApi('PUT /imports/{importId}/archive', {
        params: { importId },
        query: { firstByte },
        file: piece,
        signal,
        onProgress: tell,
      }),
    );
  }
};
