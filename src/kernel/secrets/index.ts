/** The door of secrets. */
export { createSecretBox } from './create-secret-box.ts';
export type { SecretBoxOptions } from './create-secret-box.ts';
export { lastFour } from './last-four.ts';
export type { SecretBox, SecretPlace } from './types.ts';
