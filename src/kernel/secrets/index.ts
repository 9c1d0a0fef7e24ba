/** The door of secrets. */
export { secretAuditActions } from './audit-actions.ts';
export { createSecretBox, placeIn } from './create-secret-box.ts';
export type { SecretBoxOptions } from './create-secret-box.ts';
export { assertMasterKeys, listMasterKeys, reportKeys } from './key-usage.ts';
export type { KeyReport, MasterKeyUsage, Protection } from './key-usage.ts';
export { masterKeyId } from './master-keys.ts';
export { renewDataKeys } from './renew-data-keys.ts';
export type { RenewalOptions, RenewalProgress, RenewalResult } from './renew-data-keys.ts';
export { rewrapDataKeys } from './rotate-master-key.ts';
export type { RotationOptions, RotationResult } from './rotate-master-key.ts';
export { lastFour } from './last-four.ts';
export type { KeyRing, SealedColumn, SecretBox, SecretPlace } from './types.ts';
