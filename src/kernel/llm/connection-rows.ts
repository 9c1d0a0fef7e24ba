/** Rows of model connections as the API shows them: the key never leaves, and the offline model is always there. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import type { Tx } from '#kernel/db';
import { isId } from '#kernel/ids';
import { offlineModel } from './adapters/offline-adapter.ts';
import type { ModelConnection } from './contract.ts';
import { llmErrors } from './errors.ts';
import type { ConnectionKind } from './types.ts';

export interface ConnectionRow {
  readonly id: string;
  readonly name: string;
  readonly kind: ConnectionKind;
  readonly base_url: string;
  readonly has_key: boolean;
  readonly key_last_four: string | null;
  readonly default_model: string | null;
  readonly context_window_tokens: number | null;
  readonly is_default: boolean;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export const connectionColumns = `id, name, kind, base_url, api_key_ciphertext is not null as has_key, key_last_four, default_model,
  context_window_tokens, is_default, created_at, updated_at`;

/** offlineConnection leads the first page of every list. */
export const offlineConnection: ModelConnection = {
  id: null,
  name: 'Offline (quotes your documents)',
  kind: 'offline',
  baseUrl: null,
  hasKey: false,
  keyLastFour: null,
  defaultModel: offlineModel,
  contextWindowTokens: null,
  isDefault: false,
  createdAt: null,
  updatedAt: null,
};

export function toConnection(row: ConnectionRow): ModelConnection {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    baseUrl: row.base_url,
    hasKey: row.has_key,
    keyLastFour: row.key_last_four,
    defaultModel: row.default_model,
    contextWindowTokens: row.context_window_tokens,
    isDefault: row.is_default,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

/** readConnection throws NOT_FOUND, also for another organisation's. */
export async function readConnection(
  tx: Tx,
  tenantId: string,
  id: string,
  options: { forUpdate?: boolean } = {},
): Promise<ConnectionRow> {
  const [row] = await tx.query<ConnectionRow>({
    text: `select ${connectionColumns} from kernel.model_connections where tenant_id = $1 and id = $2 ${options.forUpdate ? 'for update' : ''}`,
    values: [tenantId, id],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

/** readIdCursor takes a cursor whose key is one id; throws INVALID_REQUEST for any other. */
export function readIdCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const [id] = decodeCursor(cursor) ?? [];
  if (!isId(id))
    throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/cursor', detail: 'not a cursor of this list' }] });
  return id;
}

/** toPage cuts the one row too many that tells whether there is a next page. */
export function toPage<Row extends { readonly id: string }, Item>(
  rows: readonly Row[],
  limit: number,
  toItem: (row: Row) => Item,
) {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return { items: shown.map(toItem), nextCursor: rows.length > limit && last ? encodeCursor([last.id]) : null };
}

/** namesTaken maps a broken unique key to the error a person can act on. */
export function toConnectionError(error: unknown): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code, constraint } = cause as { code?: unknown; constraint?: unknown };
    if (code === '23505' && constraint === 'model_connections_tenant_id_name_key') {
      return llmErrors.MODEL_CONNECTION_NAME_TAKEN({
        cause: error,
        errors: [{ pointer: '/body/name', detail: 'already in use' }],
      });
    }
  }
  return error;
}
