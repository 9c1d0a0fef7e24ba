/** The API of keys and of the organisation's directory, for the pages of settings. */
import type { apiKeysContract } from '../../../kernel/auth/api-keys/contract.ts';
import type { directoryContract } from '../../../kernel/auth/scim/directory-contract.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';

export const apiKeysApi = createApi<typeof apiKeysContract>();
export const directoryApi = createApi<typeof directoryContract>();

export type ApiKey = ItemOf<(typeof apiKeysContract)['GET /api-keys']>;
export type Scope = CallOutput<(typeof apiKeysContract)['GET /api-key-scopes']>['scopes'][number];
export type DirectoryToken = ItemOf<(typeof directoryContract)['GET /directory/tokens']>;
export type DirectoryGroup = ItemOf<(typeof directoryContract)['GET /directory/groups']>;
