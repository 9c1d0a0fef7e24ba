/** The door of object storage. */
export { createObjectStore } from './create-object-store.ts';
export type { ObjectStoreOptions } from './create-object-store.ts';
export { fileHeaders } from './file-headers.ts';
export { storageRoutes } from './routes.ts';
export type { BlobKey, BlobStore, FileSignature, NewObject, ObjectStore, StoredObject } from './types.ts';
