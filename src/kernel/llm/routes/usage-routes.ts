/** What models cost and what was asked of them (K11.4). */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit } from '#kernel/http';
import { isId, newId } from '#kernel/ids';
import { readConnection, readIdCursor, toPage } from '../connection-rows.ts';
import { changesChannel } from '../connection-store.ts';
import { modelsContract, type ModelCall, type ModelPrice } from '../contract.ts';

const readLimit: Limit = { name: 'models.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'models.settings', max: 60, windowSeconds: 3600, by: 'user' };

interface PriceRow {
  connection_id: string;
  model: string;
  input: string;
  cached_input: string;
  cache_write_input: string | null;
  output: string;
}

const priceColumns = `connection_id, model, input_micros_per_million_tokens as input,
  cached_input_micros_per_million_tokens as cached_input,
  cache_write_input_micros_per_million_tokens as cache_write_input, output_micros_per_million_tokens as output`;

function toPrice(row: PriceRow): ModelPrice {
  return {
    connectionId: row.connection_id,
    model: row.model,
    inputMicrosPerMillionTokens: Number(row.input),
    cachedInputMicrosPerMillionTokens: Number(row.cached_input),
    cacheWriteInputMicrosPerMillionTokens: row.cache_write_input === null ? null : Number(row.cache_write_input),
    outputMicrosPerMillionTokens: Number(row.output),
  };
}

function readPriceCursor(cursor: string | undefined): readonly [string | null, string] {
  if (cursor === undefined) return [null, ''];
  const [connectionId, model] = decodeCursor(cursor) ?? [];
  if (isId(connectionId) && typeof model === 'string') return [connectionId, model];
  throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/query/cursor', detail: 'not a cursor of this list' }] });
}

export const listPrices = defineRoute(modelsContract, 'GET /model-prices', {
  id: 'models.price.list',
  access: { permission: 'models.price.read' },
  limit: readLimit,
  async handler(ctx) {
    const { principal, query } = ctx;
    const [connectionId, model] = readPriceCursor(query.cursor);
    const rows = await ctx.tenant((tx) =>
      tx.query<PriceRow>({
        text: `select ${priceColumns} from kernel.model_prices
               where tenant_id = $1 and ($2::uuid is null or (connection_id, model) > ($2, $3))
               order by connection_id, model limit $4`,
        values: [principal.tenantId, connectionId, model, query.limit + 1],
      }),
    );
    const items = rows.slice(0, query.limit).map(toPrice);
    const last = items.at(-1);
    return {
      items,
      nextCursor: rows.length > query.limit && last ? encodeCursor([last.connectionId, last.model]) : null,
    };
  },
});

export const putPrice = defineRoute(modelsContract, 'PUT /model-prices', {
  id: 'models.price.update',
  access: { permission: 'models.price.write' },
  limit: writeLimit,
  errors: ['NOT_FOUND', 'CONFLICT'],
  async handler(ctx) {
    const { body, principal } = ctx;
    const price = await ctx.tenant(async (tx) => {
      await readConnection(tx, principal.tenantId, body.connectionId);
      const [row] = await tx.query<PriceRow>({
        text: `insert into kernel.model_prices (id, tenant_id, connection_id, model, input_micros_per_million_tokens,
                 cached_input_micros_per_million_tokens, output_micros_per_million_tokens,
                 cache_write_input_micros_per_million_tokens)
               values ($1, $2, $3, $4, $5, $6, $7, $8)
               on conflict (tenant_id, connection_id, model) do update set
                 input_micros_per_million_tokens = excluded.input_micros_per_million_tokens,
                 cached_input_micros_per_million_tokens = excluded.cached_input_micros_per_million_tokens,
                 output_micros_per_million_tokens = excluded.output_micros_per_million_tokens,
                 cache_write_input_micros_per_million_tokens = excluded.cache_write_input_micros_per_million_tokens,
                 updated_at = now()
               returning ${priceColumns}`,
        values: [
          newId(),
          principal.tenantId,
          body.connectionId,
          body.model,
          body.inputMicrosPerMillionTokens,
          body.cachedInputMicrosPerMillionTokens,
          body.outputMicrosPerMillionTokens,
          body.cacheWriteInputMicrosPerMillionTokens,
        ],
      });
      const { connectionId, model, ...figures } = body;
      await ctx.audit(tx, {
        action: 'models.price.update',
        resource: `model-connection:${connectionId}`,
        details: { model, ...figures },
      });
      await tx.query({ text: 'select pg_notify($1, $2)', values: [changesChannel, connectionId] });
      return toPrice(row as PriceRow);
    });
    ctx.services.llm.invalidate(body.connectionId);
    return price;
  },
});

interface CallRow {
  id: string;
  app: string;
  subject_id: string | null;
  run_id: string | null;
  user_id: string | null;
  connection_id: string | null;
  model: string;
  input_tokens: number;
  cached_input_tokens: number;
  cache_write_input_tokens: number;
  output_tokens: number;
  is_estimated: boolean;
  cost_micros: string | null;
  first_token_ms: number | null;
  duration_ms: number;
  attempts: number;
  outcome: string;
  created_at: Date;
}

function toCall(row: CallRow): ModelCall {
  return {
    id: row.id,
    app: row.app,
    subjectId: row.subject_id,
    runId: row.run_id,
    userId: row.user_id,
    connectionId: row.connection_id,
    model: row.model,
    inputTokens: row.input_tokens,
    cachedInputTokens: row.cached_input_tokens,
    cacheWriteInputTokens: row.cache_write_input_tokens,
    outputTokens: row.output_tokens,
    isEstimated: row.is_estimated,
    costMicros: row.cost_micros === null ? null : Number(row.cost_micros),
    firstTokenMilliseconds: row.first_token_ms,
    durationMilliseconds: row.duration_ms,
    attempts: row.attempts,
    outcome: row.outcome,
    createdAt: row.created_at.toISOString(),
  };
}

export const listCalls = defineRoute(modelsContract, 'GET /model-calls', {
  id: 'models.call.list',
  access: { permission: 'models.call.read' },
  limit: readLimit,
  async handler(ctx) {
    const { principal, query } = ctx;
    const rows = await ctx.tenant((tx) =>
      tx.query<CallRow>({
        name: 'llm.list-calls',
        text: `select * from kernel.model_calls where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
        values: [principal.tenantId, readIdCursor(query.cursor), query.limit + 1],
      }),
    );
    return toPage(rows, query.limit, toCall);
  },
});
