/** All routes of the model gateway. */
import type { Route } from '#kernel/http';
import {
  createConnection,
  deleteConnection,
  listConnections,
  readOneConnection,
  updateConnection,
} from './connection-routes.ts';
import { discover, listModels, testDraft, testSaved } from './endpoint-routes.ts';
import { listCalls, listPrices, putPrice } from './usage-routes.ts';

export const llmRoutes: readonly Route[] = [
  listConnections,
  createConnection,
  testDraft,
  readOneConnection,
  updateConnection,
  deleteConnection,
  testSaved,
  listModels,
  discover,
  listPrices,
  putPrice,
  listCalls,
];
