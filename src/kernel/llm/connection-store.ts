/** Connections are read once and kept ready, key included, until somebody changes them in any process. */
import type { Database, TenantScope } from '#kernel/db';
import type { Logger } from '#kernel/log';
import { placeIn, type SealedColumn, type SecretBox, type SecretPlace } from '#kernel/secrets';
import type { Endpoint } from './adapters/types.ts';
import { llmErrors } from './errors.ts';
import { defaultContextWindowTokens } from './fit-to-context.ts';
import type { ConnectionKind } from './types.ts';

/** Price is in millionths of CURRENCY per million tokens. */
export interface Price {
  readonly input: number;
  readonly cachedInput: number;
  /** Absent: as other input. */
  readonly cacheWriteInput?: number;
  readonly output: number;
}

/** ReadyConnection is a connection with its key open and its prices at hand. It never leaves this module's memory. */
export interface ReadyConnection {
  readonly id: string;
  readonly endpoint: Endpoint;
  readonly contextWindowTokens: number;
  readonly prices: ReadonlyMap<string, Price>;
}

export interface ConnectionStore {
  /** Throws MODEL_CONNECTION_NOT_FOUND, also for another organisation's. */
  find(scope: TenantScope, connectionId: string): Promise<ReadyConnection>;
  invalidate(connectionId: string): void;
  close(): Promise<void>;
}

/** changesChannel tells every process which connection changed; the payload is its id. */
export const changesChannel = 'model_connection_changed';
const keyColumn: SealedColumn = {
  table: 'kernel.model_connections',
  column: 'api_key_ciphertext',
  rowIdColumn: 'id',
  tenantOf: 't.tenant_id',
  door: 'system',
};

/** llmSealedColumns are the keys of model endpoints. */
export const llmSealedColumns: readonly SealedColumn[] = [keyColumn];

/** keyPlace names where a connection's key is kept, which the ciphertext is bound to. */
export function keyPlace(tenantId: string, connectionId: string): SecretPlace {
  return placeIn(keyColumn, tenantId, connectionId);
}

/** A change is announced at once; this is for an announcement lost with its connection. */
const maxAgeMilliseconds = 60_000;
const maxEntries = 10_000;

interface Row {
  kind: ConnectionKind;
  base_url: string;
  api_key_ciphertext: string | null;
  context_window_tokens: number | null;
}

interface PriceRow {
  model: string;
  input: string;
  cached_input: string;
  cache_write_input: string | null;
  output: string;
}

async function load(
  db: Database,
  secrets: SecretBox,
  scope: TenantScope,
  connectionId: string,
): Promise<ReadyConnection> {
  return db.withTenant(scope, async (tx) => {
    const [row] = await tx.query<Row>({
      name: 'llm.connection',
      text: `select kind, base_url, api_key_ciphertext, context_window_tokens from kernel.model_connections
             where tenant_id = $1 and id = $2`,
      values: [scope.tenantId, connectionId],
    });
    if (!row) throw llmErrors.MODEL_CONNECTION_NOT_FOUND();
    const prices = await tx.query<PriceRow>({
      name: 'llm.connection-prices',
      text: `select model, input_micros_per_million_tokens as input, cached_input_micros_per_million_tokens as cached_input,
               cache_write_input_micros_per_million_tokens as cache_write_input, output_micros_per_million_tokens as output
             from kernel.model_prices where tenant_id = $1 and connection_id = $2`,
      values: [scope.tenantId, connectionId],
    });
    const { api_key_ciphertext: ciphertext, base_url: baseUrl, kind } = row;
    const apiKey =
      ciphertext === null ? null : await secrets.open(tx, keyPlace(scope.tenantId, connectionId), ciphertext);
    return {
      id: connectionId,
      endpoint: { kind, baseUrl, apiKey },
      contextWindowTokens: row.context_window_tokens ?? defaultContextWindowTokens[kind],
      prices: new Map(
        prices.map(({ cache_write_input: write, cached_input, input, model, output }) => [
          model,
          {
            input: Number(input),
            cachedInput: Number(cached_input),
            output: Number(output),
            ...(write === null ? {} : { cacheWriteInput: Number(write) }),
          },
        ]),
      ),
    };
  });
}

/** createConnectionStore keeps connections per tenant and id; a failed read is not kept. */
export function createConnectionStore(db: Database, secrets: SecretBox, log: Logger): ConnectionStore {
  const entries = new Map<string, { readonly connection: Promise<ReadyConnection>; readonly readAt: number }>();

  function invalidate(connectionId: string): void {
    for (const key of entries.keys()) if (key.endsWith(`/${connectionId}`)) entries.delete(key);
  }
  const listening = db.listen(changesChannel, invalidate).catch((error: unknown) => {
    log.warn({ err: error }, 'changes of model connections are noticed after a minute only');
    return () => undefined;
  });

  return {
    find(scope, connectionId) {
      const key = `${scope.tenantId}/${connectionId}`;
      const known = entries.get(key);
      if (known && performance.now() - known.readAt < maxAgeMilliseconds) return known.connection;
      if (entries.size >= maxEntries) entries.clear();
      const connection = load(db, secrets, scope, connectionId);
      const entry = { connection, readAt: performance.now() };
      entries.set(key, entry);
      connection.catch(() => {
        if (entries.get(key) === entry) entries.delete(key);
      });
      return connection;
    },
    invalidate,
    async close() {
      (await listening)();
      entries.clear();
    },
  };
}
