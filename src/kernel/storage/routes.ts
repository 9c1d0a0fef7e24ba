/** Bytes are served only to whom the link was made for: signature, organisation and row-level security all agree. */
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Route } from '#kernel/http';
import { filesContract } from './contract.ts';
import { storageErrors } from './errors.ts';
import { fileHeaders, servedType } from './file-headers.ts';

const downloadFile = defineRoute(filesContract, 'GET /files/{fileId}', {
  id: 'kernel.file.read',
  access: 'signed-in',
  openToKeys: true,
  limit: { name: 'kernel.file.read', max: 600, windowSeconds: 60, by: 'user' },
  errors: ['FILE_LINK_INVALID'],
  async handler({ services: { storage }, principal, params, query }) {
    const object = await storage.find(principal, params.fileId);
    // Another tenant's file looks like one that does not exist, whatever the signature.
    if (!object) throw kernelErrors.NOT_FOUND();
    if (!storage.isSignatureValid(principal, object.id, query)) throw storageErrors.FILE_LINK_INVALID();
    return {
      kind: 'binary',
      contentType: servedType(object.contentType),
      body: await storage.read(principal, object.id),
      headers: fileHeaders(object, query.expires, Date.now()),
    };
  },
});

const readUploadLimits = defineRoute(filesContract, 'GET /upload-limits', {
  id: 'kernel.upload-limits.read',
  access: 'signed-in',
  openToKeys: true,
  limit: { name: 'kernel.upload-limits.read', max: 120, windowSeconds: 60, by: 'user' },
  handler: async ({ services: { config } }) => ({
    fileMaxBytes: config.uploadMaxMb * 1_048_576,
    pictureMaxBytes: config.imageMaxMb * 1_048_576,
    pictureMaxEdge: config.imageMaxEdge,
  }),
});

export const storageRoutes: readonly Route[] = [downloadFile, readUploadLimits];
