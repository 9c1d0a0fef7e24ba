/** How large files and pictures may be on this server; asked once per visit. */
import { useQuery } from '@tanstack/react-query';
import type { filesContract } from '../kernel/storage/contract.ts';
import { queryOf } from './api-hooks.ts';
import { createApi, type CallOutput } from './api.ts';

const filesApi = createApi<typeof filesContract>();

export type UploadLimits = CallOutput<(typeof filesContract)['GET /upload-limits']>;

const uploadLimitsQuery = { ...queryOf(filesApi, 'GET /upload-limits'), staleTime: Infinity };

/** What a server accepts unless its owner says otherwise: shown until the answer is there, and the server decides anyway. */
const usual: UploadLimits = { fileMaxBytes: 52_428_800, pictureMaxBytes: 5_242_880, pictureMaxEdge: 2048 };

/** useUploadLimits is what to tell people before they choose a file. */
export function useUploadLimits(): UploadLimits {
  return useQuery(uploadLimitsQuery).data ?? usual;
}
