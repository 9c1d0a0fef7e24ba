/** The door of object storage. */
export type { NewObject, ObjectStore, StoredObject } from './types.ts';
