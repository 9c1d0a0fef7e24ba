/** Failures of object storage that a caller can see. */
import { defineErrors } from '#kernel/errors';

export const storageErrors = defineErrors('storage', {
  STORAGE_FULL: {
    status: 507,
    public: 'The server has no room for this file. Nothing was saved. Tell the administrator.',
    isRetryable: true,
    isReportable: true,
  },
  FILE_LINK_INVALID: {
    status: 403,
    public: 'This link to a file is not valid or has expired. Reload the page it came from.',
  },
});
