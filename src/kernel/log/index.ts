/** The door of logging. */
export { createLogger } from './create-logger.ts';
export type { Logger } from './create-logger.ts';
export { openStandardError } from './standard-error.ts';
