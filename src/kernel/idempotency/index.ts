/** The door of idempotency. */
export { createIdempotency } from './create-idempotency.ts';
export type { IdempotencyOptions } from './create-idempotency.ts';
export { hashRequest, parseIdempotencyKey } from './parse-idempotency-key.ts';
export type { Beginning, Idempotency, IdempotencyScope, StoredAnswer, Ticket } from './types.ts';
export { idempotencyErrors } from './errors.ts';
