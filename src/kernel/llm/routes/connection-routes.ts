/** Connections to model endpoints: listed, made, changed and deleted; each change audited, no key ever answered. */
import type { Tx } from '#kernel/db';
import { defineRoute, type Limit, type SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { lastFour } from '#kernel/secrets';
import { isSameHost, normalizeBaseUrl } from '../base-url.ts';
import {
  connectionColumns,
  offlineConnection,
  readConnection,
  readIdCursor,
  toConnection,
  toConnectionError,
  toPage,
  type ConnectionRow,
} from '../connection-rows.ts';
import { changesChannel, keyPlace } from '../connection-store.ts';
import { modelsContract, type ModelConnectionPatch } from '../contract.ts';
import { llmErrors } from '../errors.ts';

const readLimit: Limit = { name: 'models.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'models.settings', max: 60, windowSeconds: 3600, by: 'user' };
const read = { permission: 'models.connection.read' };
const write = { permission: 'models.connection.write' };

/** announce lets every process forget the connection once this transaction has committed. */
async function announce(tx: Tx, connectionId: string): Promise<void> {
  await tx.query({ text: 'select pg_notify($1, $2)', values: [changesChannel, connectionId] });
}

/** clearDefault makes room for a new default; there is at most one. */
async function clearDefault(tx: Tx, tenantId: string): Promise<void> {
  await tx.query({
    text: 'update kernel.model_connections set is_default = false, updated_at = now() where tenant_id = $1 and is_default',
    values: [tenantId],
  });
}

interface SealedKey {
  readonly ciphertext: string | null;
  readonly lastFour: string | null;
}

async function sealKey(
  ctx: SignedInContext,
  tx: Tx,
  connectionId: string,
  key: string | null | undefined,
): Promise<SealedKey> {
  if (!key) return { ciphertext: null, lastFour: null };
  const ciphertext = await ctx.services.secrets.seal(tx, keyPlace(ctx.principal.tenantId, connectionId), key);
  return { ciphertext, lastFour: lastFour(key) };
}

export const listConnections = defineRoute(modelsContract, 'GET /model-connections', {
  id: 'models.connection.list',
  access: read,
  limit: readLimit,
  async handler(ctx) {
    const { principal, query } = ctx;
    const after = readIdCursor(query.cursor);
    const rows = await ctx.tenant((tx) =>
      tx.query<ConnectionRow>({
        name: 'llm.list-connections',
        text: `select ${connectionColumns} from kernel.model_connections
               where tenant_id = $1 and ($2::uuid is null or id < $2) order by id desc limit $3`,
        values: [principal.tenantId, after, query.limit + 1],
      }),
    );
    const { items, nextCursor } = toPage(rows, query.limit, toConnection);
    return { items: after === null ? [offlineConnection, ...items] : items, nextCursor };
  },
});

export const createConnection = defineRoute(modelsContract, 'POST /model-connections', {
  id: 'models.connection.create',
  access: write,
  limit: writeLimit,
  idempotent: true,
  errors: ['MODEL_CONNECTION_NAME_TAKEN', 'MODEL_BASE_URL_REQUIRED'],
  async handler(ctx) {
    const { body, principal } = ctx;
    const id = newId();
    const baseUrl = normalizeBaseUrl(body.kind, body.baseUrl);
    try {
      return await ctx.tenant(async (tx) => {
        if (body.isDefault) await clearDefault(tx, principal.tenantId);
        const key = await sealKey(ctx as SignedInContext, tx, id, body.apiKey);
        const [row] = await tx.query<ConnectionRow>({
          text: `insert into kernel.model_connections (id, tenant_id, name, kind, base_url, api_key_ciphertext, key_last_four,
                   default_model, context_window_tokens, is_default)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning ${connectionColumns}`,
          values: [
            id,
            principal.tenantId,
            body.name,
            body.kind,
            baseUrl,
            key.ciphertext,
            key.lastFour,
            body.defaultModel,
            body.contextWindowTokens,
            body.isDefault,
          ],
        });
        const details = { kind: body.kind, host: new URL(baseUrl).host, hasKey: key.ciphertext !== null };
        await ctx.audit(tx, { action: 'models.connection.create', resource: `model-connection:${id}`, details });
        return toConnection(row as ConnectionRow);
      });
    } catch (error) {
      throw toConnectionError(error);
    }
  },
});

export const readOneConnection = defineRoute(modelsContract, 'GET /model-connections/{connectionId}', {
  id: 'models.connection.read',
  access: read,
  limit: readLimit,
  handler: (ctx) =>
    ctx.tenant(async (tx) => toConnection(await readConnection(tx, ctx.principal.tenantId, ctx.params.connectionId))),
});

/** checkKeyTravels refuses to send a saved key to a host it was not entered for: that would be a way to read it. */
function checkKeyTravels(row: ConnectionRow, baseUrl: string, apiKey: string | null | undefined): void {
  if (row.has_key && apiKey === undefined && !isSameHost(row.base_url, baseUrl)) {
    throw llmErrors.MODEL_KEY_REQUIRED({
      errors: [{ pointer: '/body/apiKey', detail: 'needed again for another host' }],
    });
  }
}

async function applyPatch(
  ctx: SignedInContext,
  tx: Tx,
  id: string,
  body: ModelConnectionPatch,
): Promise<ConnectionRow> {
  const { tenantId } = ctx.principal;
  const before = await readConnection(tx, tenantId, id, { forUpdate: true });
  const baseUrl = body.baseUrl === undefined ? before.base_url : normalizeBaseUrl(before.kind, body.baseUrl);
  checkKeyTravels(before, baseUrl, body.apiKey);
  if (body.isDefault === true && !before.is_default) await clearDefault(tx, tenantId);
  const key = await sealKey(ctx, tx, id, body.apiKey);
  const [row] = await tx.query<ConnectionRow>({
    text: `update kernel.model_connections set name = $3, base_url = $4,
             api_key_ciphertext = case when $5 then $6 else api_key_ciphertext end,
             key_last_four = case when $5 then $7 else key_last_four end,
             default_model = $8, context_window_tokens = $9, is_default = $10, updated_at = now()
           where tenant_id = $1 and id = $2 returning ${connectionColumns}`,
    values: [
      tenantId,
      id,
      body.name ?? before.name,
      baseUrl,
      body.apiKey !== undefined,
      key.ciphertext,
      key.lastFour,
      body.defaultModel === undefined ? before.default_model : body.defaultModel,
      body.contextWindowTokens === undefined ? before.context_window_tokens : body.contextWindowTokens,
      body.isDefault ?? before.is_default,
    ],
  });
  return row as ConnectionRow;
}

export const updateConnection = defineRoute(modelsContract, 'PATCH /model-connections/{connectionId}', {
  id: 'models.connection.update',
  access: write,
  limit: writeLimit,
  errors: ['MODEL_CONNECTION_NAME_TAKEN', 'MODEL_KEY_REQUIRED'],
  async handler(ctx) {
    const { body, params, services } = ctx;
    try {
      const changed = await ctx.tenant(async (tx) => {
        const row = await applyPatch(ctx as unknown as SignedInContext, tx, params.connectionId, body);
        const details = { changed: Object.keys(body).sort().join(', '), host: new URL(row.base_url).host };
        await ctx.audit(tx, { action: 'models.connection.update', resource: `model-connection:${row.id}`, details });
        await announce(tx, row.id);
        return toConnection(row);
      });
      services.llm.invalidate(params.connectionId);
      return changed;
    } catch (error) {
      throw toConnectionError(error);
    }
  },
});

export const deleteConnection = defineRoute(modelsContract, 'DELETE /model-connections/{connectionId}', {
  id: 'models.connection.delete',
  access: write,
  limit: writeLimit,
  async handler(ctx) {
    const { params, principal, services } = ctx;
    await ctx.tenant(async (tx) => {
      const row = await readConnection(tx, principal.tenantId, params.connectionId, { forUpdate: true });
      await tx.query({
        text: 'delete from kernel.model_connections where tenant_id = $1 and id = $2',
        values: [principal.tenantId, row.id],
      });
      await ctx.audit(tx, {
        action: 'models.connection.delete',
        resource: `model-connection:${row.id}`,
        details: { kind: row.kind },
      });
      await announce(tx, row.id);
    });
    services.llm.invalidate(params.connectionId);
  },
});
