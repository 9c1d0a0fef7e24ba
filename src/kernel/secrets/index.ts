/** The door of secrets. */
export type { SecretBox, SecretPlace } from './types.ts';
