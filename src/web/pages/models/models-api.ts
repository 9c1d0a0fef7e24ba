/** The model connections API, for the pages of settings. */
import type { modelsContract } from '../../../kernel/llm/contract.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';

export const modelsApi = createApi<typeof modelsContract>();

type Operations = typeof modelsContract;

export type Connection = ItemOf<Operations['GET /model-connections']>;
export type TestOutcome = CallOutput<Operations['POST /model-connections/test']>;
export type Endpoint = CallOutput<Operations['GET /model-discovery']>['endpoints'][number];
