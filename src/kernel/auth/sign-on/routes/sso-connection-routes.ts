/** An organisation's identity providers: connected, changed, tried and disconnected; each change audited, no secret answered. */
import { encodeCursor } from '#kernel/contract';
import type { Tx } from '#kernel/db';
import { defineRoute, type Limit, type SignedInContext } from '#kernel/http';
import { newId } from '#kernel/ids';
import { lastFour } from '#kernel/secrets';
import { tenancyErrors } from '#kernel/tenancy';
import { publicOrigin } from '../addresses.ts';
import { checkSecretTravels, describeConnection, type ConnectionPatch, type Description } from '../connection-input.ts';
import { readDomains, readOwnConnection, sealClientSecret, toConnection, type SsoConnection } from '../connections.ts';
import { signOnContract } from '../contract.ts';
import { signOnErrors } from '../errors.ts';
import { createSealedKey } from '../saml-key.ts';
import { testConnection } from '../test-connection.ts';
import type { SsoConnectionRow } from '../types.ts';
import { readIdCursor } from './linked-account-routes.ts';

const read = { permission: 'sign-on.connection.read' } as const;
const write = { permission: 'sign-on.connection.write' } as const;
const readLimit: Limit = { name: 'sign-on.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'sign-on.settings', max: 60, windowSeconds: 3600, by: 'user' };
const inputErrors = ['SSO_CONNECTION_NAME_TAKEN', 'SSO_METADATA_INVALID'];

const describe = (row: SsoConnectionRow): Description => ({
  issuer: row.issuer,
  clientId: row.client_id,
  signOnUrl: row.sign_on_url,
  certificates: row.certificates,
  signsRequests: row.signs_requests,
  signsOutAtProvider: row.signs_out_at_provider,
});

function toNameTaken(error: unknown): unknown {
  const { code, constraint } = error as { code?: unknown; constraint?: unknown };
  if (code !== '23505' || constraint !== 'sso_connections_tenant_id_name_key') return error;
  return signOnErrors.SSO_CONNECTION_NAME_TAKEN({
    cause: error,
    errors: [{ pointer: '/body/name', detail: 'already in use' }],
  });
}

type AnyContext = Pick<SignedInContext, 'services' | 'principal' | 'headers'>;

async function show(ctx: AnyContext, tx: Tx, row: SsoConnectionRow): Promise<SsoConnection> {
  const domains = await readDomains(tx, row.tenant_id, [row.id]);
  return toConnection(row, domains, publicOrigin(ctx));
}

async function seal(ctx: AnyContext, id: string, secret: string | undefined) {
  if (secret === undefined) return { ciphertext: null, lastFour: null };
  const ciphertext = await sealClientSecret(ctx.services, ctx.principal.tenantId, id, secret);
  return { ciphertext, lastFour: lastFour(secret) };
}

export const listSsoConnections = defineRoute(signOnContract, 'GET /sso-connections', {
  id: 'sign-on.connection.list',
  access: read,
  limit: readLimit,
  handler: async (ctx) => {
    const { principal, query, services } = ctx;
    const before = readIdCursor(query.cursor);
    return services.db.withAuth(async (tx) => {
      const rows = await tx.query<SsoConnectionRow>({
        text: `select * from auth.sso_connections where tenant_id = $1 and ($2::uuid is null or id < $2)
               order by id desc limit $3`,
        values: [principal.tenantId, before, query.limit + 1],
      });
      const shown = rows.slice(0, query.limit);
      const last = shown.at(-1);
      const ids = shown.map(({ id }) => id);
      const domains = await readDomains(tx, principal.tenantId, ids);
      return {
        items: shown.map((row) => toConnection(row, domains, publicOrigin(ctx))),
        nextCursor: rows.length > query.limit && last ? encodeCursor([last.id]) : null,
      };
    });
  },
});

export const readSsoConnection = defineRoute(signOnContract, 'GET /sso-connections/{ssoConnectionId}', {
  id: 'sign-on.connection.read',
  access: read,
  limit: readLimit,
  handler: (ctx) =>
    ctx.services.db.withAuth(async (tx) =>
      show(ctx, tx, await readOwnConnection(tx, ctx.principal.tenantId, ctx.params.ssoConnectionId)),
    ),
});

/** assertShared keeps personal organisations to their one person: whoever comes through a connection becomes a member. */
async function assertShared({ services, principal }: AnyContext): Promise<void> {
  const rows = await services.db.withAuth((tx) =>
    tx.query({
      text: 'select from auth.organizations where id = $1 and personal_user_id is not null',
      values: [principal.tenantId],
    }),
  );
  if (rows.length > 0) throw tenancyErrors.ORGANISATION_PERSONAL();
}

export const createSsoConnection = defineRoute(signOnContract, 'POST /sso-connections', {
  id: 'sign-on.connection.create',
  access: write,
  limit: writeLimit,
  idempotent: true,
  stepUp: true,
  errors: [...inputErrors, 'ORGANISATION_PERSONAL'],
  bodyLimitBytes: 500_000,
  handler: async (ctx) => {
    const { body, principal, services } = ctx;
    await assertShared(ctx);
    const description = await describeConnection(services, body.kind, body);
    const id = newId();
    const secret = await seal(ctx, id, body.kind === 'oidc' ? body.clientSecret : undefined);
    const isSaml = body.kind === 'saml';
    const own = isSaml ? await createSealedKey(services, { id, tenant_id: principal.tenantId }) : null;
    try {
      return await ctx.auth(async (tx) => {
        const [row] = await tx.query<SsoConnectionRow>({
          text: `insert into auth.sso_connections (id, tenant_id, name, kind, issuer, client_id, client_secret_ciphertext,
                   client_secret_last_four, sign_on_url, certificates, default_role, private_key_ciphertext,
                   own_certificate, signs_requests, signs_out_at_provider)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) returning *`,
          values: [
            id,
            principal.tenantId,
            body.name,
            body.kind,
            description.issuer,
            description.clientId,
            secret.ciphertext,
            secret.lastFour,
            description.signOnUrl,
            description.certificates,
            body.defaultRole,
            own?.ciphertext ?? null,
            own?.certificate ?? null,
            description.signsRequests,
            description.signsOutAtProvider,
          ],
        });
        const shown = await show(ctx, tx, row as SsoConnectionRow);
        const details = { kind: body.kind, issuer: description.issuer };
        await ctx.audit(tx, { action: 'sign-on.connection.create', resource: `sso-connection:${id}`, details });
        return shown;
      });
    } catch (error) {
      throw toNameTaken(error);
    }
  },
});

/** checkEnforcement: a switch that could lock everybody out needs a way in that has worked. */
async function checkEnforcement(tx: Tx, before: SsoConnectionRow, isWanted: boolean | undefined): Promise<void> {
  if (isWanted !== true || before.is_enforced) return;
  const domains = await readDomains(tx, before.tenant_id, [before.id]);
  const isReady = before.last_success_at !== null && domains.some(({ verified_at: at }) => at !== null);
  if (!isReady) throw signOnErrors.SSO_ENFORCEMENT_NEEDS_PROOF();
}

async function applyPatch(
  tx: Tx,
  before: SsoConnectionRow,
  body: ConnectionPatch,
  after: Description,
  secret: { readonly ciphertext: string | null; readonly lastFour: string | null },
): Promise<SsoConnectionRow> {
  const [row] = await tx.query<SsoConnectionRow>({
    text: `update auth.sso_connections set name = $3, issuer = $4, client_id = $5, sign_on_url = $6, certificates = $7,
             default_role = $8, is_enforced = $9, signs_requests = $12, signs_out_at_provider = $13,
             client_secret_ciphertext = coalesce($10, client_secret_ciphertext),
             client_secret_last_four = coalesce($11, client_secret_last_four), updated_at = now()
           where tenant_id = $1 and id = $2 returning *`,
    values: [
      before.tenant_id,
      before.id,
      body.name ?? before.name,
      after.issuer,
      after.clientId,
      after.signOnUrl,
      after.certificates,
      body.defaultRole ?? before.default_role,
      body.isEnforced ?? before.is_enforced,
      secret.ciphertext,
      secret.lastFour,
      after.signsRequests,
      after.signsOutAtProvider,
    ],
  });
  return row as SsoConnectionRow;
}

export const updateSsoConnection = defineRoute(signOnContract, 'PATCH /sso-connections/{ssoConnectionId}', {
  id: 'sign-on.connection.update',
  access: write,
  limit: writeLimit,
  stepUp: true,
  errors: [...inputErrors, 'SSO_SECRET_REQUIRED', 'SSO_ENFORCEMENT_NEEDS_PROOF'],
  bodyLimitBytes: 500_000,
  handler: async (ctx) => {
    const { body, params, principal, services } = ctx;
    const id = params.ssoConnectionId;
    // Read first without a lock: metadata may have to be fetched, and nobody waits for a stranger's server.
    const seen = await services.db.withAuth((tx) => readOwnConnection(tx, principal.tenantId, id));
    const after = await describeConnection(services, seen.kind, body, describe(seen));
    const isGiven = seen.kind === 'oidc' && body.clientSecret !== undefined;
    checkSecretTravels(describe(seen), after, seen.client_secret_ciphertext !== null, isGiven);
    const secret = await seal(ctx, id, isGiven ? body.clientSecret : undefined);
    try {
      return await services.db.withAuth(async (tx) => {
        const before = await readOwnConnection(tx, principal.tenantId, id, true);
        // Somebody else changed it meanwhile: a secret must not end up beside an issuer it was not entered for.
        checkSecretTravels(describe(before), after, before.client_secret_ciphertext !== null, isGiven);
        await checkEnforcement(tx, before, body.isEnforced);
        const shown = await show(ctx, tx, await applyPatch(tx, before, body, after, secret));
        const details = { changed: Object.keys(body).sort().join(', '), isEnforced: shown.isEnforced };
        await ctx.audit(tx, { action: 'sign-on.connection.update', resource: `sso-connection:${id}`, details });
        return shown;
      });
    } catch (error) {
      throw toNameTaken(error);
    }
  },
});

export const deleteSsoConnection = defineRoute(signOnContract, 'DELETE /sso-connections/{ssoConnectionId}', {
  id: 'sign-on.connection.delete',
  access: write,
  limit: writeLimit,
  stepUp: true,
  handler: async (ctx) => {
    const { params, principal, services } = ctx;
    await services.db.withAuth(async (tx) => {
      const row = await readOwnConnection(tx, principal.tenantId, params.ssoConnectionId, true);
      const links = await tx.query({
        text: 'delete from auth.accounts where provider_id = $1 returning id',
        values: [row.id],
      });
      await tx.query({
        text: 'delete from auth.sso_connections where tenant_id = $1 and id = $2',
        values: [principal.tenantId, row.id],
      });
      const details = { kind: row.kind, issuer: row.issuer, links: links.length };
      await ctx.audit(tx, { action: 'sign-on.connection.delete', resource: `sso-connection:${row.id}`, details });
    });
  },
});

export const testSsoConnection = defineRoute(signOnContract, 'POST /sso-connections/{ssoConnectionId}/test', {
  id: 'sign-on.connection.test',
  access: write,
  limit: writeLimit,
  handler: async (ctx) => {
    const { params, principal, services } = ctx;
    const row = await services.db.withAuth((tx) => readOwnConnection(tx, principal.tenantId, params.ssoConnectionId));
    const result = await testConnection(services, row);
    await services.db.withAuth(async (tx) => {
      await tx.query({
        text: `update auth.sso_connections set last_problem = $3, last_problem_at = case when $3::text is null then null else now() end
               where tenant_id = $1 and id = $2`,
        values: [principal.tenantId, row.id, result.isOk ? null : result.detail],
      });
      const details = { isOk: result.isOk };
      await ctx.audit(tx, { action: 'sign-on.connection.test', resource: `sso-connection:${row.id}`, details });
    });
    return result;
  },
});
