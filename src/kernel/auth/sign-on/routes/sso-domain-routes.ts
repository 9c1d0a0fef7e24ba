/** Mail domains that lead to an identity provider: claimed by an organisation, proved by DNS or by who runs the server. */
import { randomBytes } from 'node:crypto';
import { encodeCursor } from '#kernel/contract';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit } from '#kernel/http';
import { newId } from '#kernel/ids';
import { readDomains, readOwnConnection, toDomain, type DomainRow } from '../connections.ts';
import { signOnContract } from '../contract.ts';
import { findDomainProof } from '../domain-proof.ts';
import { signOnErrors } from '../errors.ts';
import { readIdCursor } from './linked-account-routes.ts';

const write = { permission: 'sign-on.connection.write' } as const;
const limit: Limit = { name: 'sign-on.domains', max: 60, windowSeconds: 3600, by: 'user' };
const maxDomains = 20;
const columns = 'id, tenant_id, connection_id, domain, proof_token, verified_at, verified_by';

const isTaken = (error: unknown) => (error as { code?: unknown }).code === '23505';

const domainPattern = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]$/;

function checkDomain(domain: string): void {
  if (domainPattern.test(domain)) return;
  const detail = 'Write it as example.com, without @ and without https://.';
  throw kernelErrors.INVALID_REQUEST({ errors: [{ pointer: '/body/domain', detail }] });
}

/** readOwnDomain throws NOT_FOUND, also for another organisation's. */
async function readOwnDomain(tx: Tx, tenantId: string, id: string): Promise<DomainRow> {
  const [row] = await tx.query<DomainRow>({
    text: `select ${columns} from auth.sso_domains where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

/** markVerified is undone by the database when another organisation has proved the same domain. */
async function markVerified(tx: Tx, id: string, by: 'dns' | 'operator'): Promise<DomainRow | null> {
  const [row] = await tx.query<DomainRow>({
    text: `update auth.sso_domains set verified_at = now(), verified_by = $2 where id = $1 and verified_at is null
           returning ${columns}`,
    values: [id, by],
  });
  return row ?? null;
}

export const claimDomain = defineRoute(signOnContract, 'POST /sso-connections/{ssoConnectionId}/domains', {
  id: 'sign-on.domain.claim',
  access: write,
  limit,
  idempotent: true,
  stepUp: true,
  errors: ['SSO_DOMAIN_TAKEN', 'SSO_DOMAIN_LIMIT'],
  handler: async (ctx) => {
    const { body, params, principal } = ctx;
    const id = newId();
    try {
      return await ctx.auth(async (tx) => {
        const connection = await readOwnConnection(tx, principal.tenantId, params.ssoConnectionId, true);
        checkDomain(body.domain);
        const others = await readDomains(tx, principal.tenantId, [connection.id]);
        if (others.length >= maxDomains) throw signOnErrors.SSO_DOMAIN_LIMIT();
        const [row] = await tx.query<DomainRow>({
          text: `insert into auth.sso_domains (id, tenant_id, connection_id, domain, proof_token)
                 values ($1, $2, $3, $4, $5) returning ${columns}`,
          values: [id, principal.tenantId, connection.id, body.domain, randomBytes(18).toString('base64url')],
        });
        const details = { domain: body.domain, connection: connection.id };
        await ctx.audit(tx, { action: 'sign-on.domain.claim', resource: `sso-domain:${id}`, details });
        return toDomain(row as DomainRow);
      });
    } catch (error) {
      throw isTaken(error) ? signOnErrors.SSO_DOMAIN_TAKEN({ cause: error }) : error;
    }
  },
});

export const verifyDomain = defineRoute(signOnContract, 'POST /sso-domains/{ssoDomainId}/verify', {
  id: 'sign-on.domain.verify',
  access: write,
  limit,
  errors: ['SSO_DOMAIN_UNPROVED', 'SSO_DOMAIN_TAKEN'],
  handler: async (ctx) => {
    const { params, principal, services } = ctx;
    const seen = await services.db.withAuth((tx) => readOwnDomain(tx, principal.tenantId, params.ssoDomainId));
    if (seen.verified_at !== null) return toDomain(seen);
    if (!(await findDomainProof(services.config, seen.domain, seen.proof_token)))
      throw signOnErrors.SSO_DOMAIN_UNPROVED();
    try {
      return await services.db.withAuth(async (tx) => {
        const row = await markVerified(tx, seen.id, 'dns');
        if (!row) return toDomain(await readOwnDomain(tx, principal.tenantId, seen.id));
        const details = { domain: row.domain, by: 'dns' };
        await ctx.audit(tx, { action: 'sign-on.domain.verify', resource: `sso-domain:${row.id}`, details });
        return toDomain(row);
      });
    } catch (error) {
      throw isTaken(error)
        ? signOnErrors.SSO_DOMAIN_TAKEN({ cause: error, detail: 'Another organisation has proved this domain before.' })
        : error;
    }
  },
});

export const giveUpDomain = defineRoute(signOnContract, 'DELETE /sso-domains/{ssoDomainId}', {
  id: 'sign-on.domain.delete',
  access: write,
  limit,
  stepUp: true,
  handler: async (ctx) => {
    const { params, principal, services } = ctx;
    await services.db.withAuth(async (tx) => {
      const row = await readOwnDomain(tx, principal.tenantId, params.ssoDomainId);
      await tx.query({
        text: 'delete from auth.sso_domains where tenant_id = $1 and id = $2',
        values: [principal.tenantId, row.id],
      });
      const details = { domain: row.domain, wasVerified: row.verified_at !== null };
      await ctx.audit(tx, { action: 'sign-on.domain.delete', resource: `sso-domain:${row.id}`, details });
    });
  },
});

interface WaitingRow {
  id: string;
  domain: string;
  organisation: string;
  created_at: Date;
}

export const listWaitingDomains = defineRoute(signOnContract, 'GET /operator/sso-domains', {
  id: 'operator.sso-domain.list',
  access: 'operator',
  limit: { name: 'operator.read', max: 300, windowSeconds: 60, by: 'user' },
  handler: async ({ query, services }) => {
    const before = readIdCursor(query.cursor);
    const rows = await services.db.withAuth((tx) =>
      tx.query<WaitingRow>({
        text: `select d.id, d.domain, o.name as organisation, d.created_at from auth.sso_domains d
               join auth.organizations o on o.id = d.tenant_id
               where d.verified_at is null and ($1::uuid is null or d.id < $1) order by d.id desc limit $2`,
        values: [before, query.limit + 1],
      }),
    );
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    return {
      items: shown.map(({ id, domain, organisation, created_at: createdAt }) => ({
        id,
        domain,
        organisation,
        createdAt: createdAt.toISOString(),
      })),
      nextCursor: rows.length > query.limit && last ? encodeCursor([last.id]) : null,
    };
  },
});

export const confirmDomain = defineRoute(signOnContract, 'POST /operator/sso-domains/confirm', {
  id: 'operator.sso-domain.confirm',
  access: 'operator',
  limit: { name: 'operator.write', max: 60, windowSeconds: 3600, by: 'user' },
  stepUp: true,
  errors: ['SSO_DOMAIN_TAKEN', 'NOT_FOUND'],
  handler: async ({ body, services, principal, address, requestId }) => {
    try {
      await services.db.withAuth(async (tx) => {
        const row = await markVerified(tx, body.domainId, 'operator');
        if (!row) throw kernelErrors.NOT_FOUND();
        // In the trail of the organisation, whose people must see who let the domain in.
        await services.audit.record(tx, {
          action: 'sign-on.domain.verify',
          resource: `sso-domain:${row.id}`,
          actor: principal,
          tenantId: row.tenant_id,
          address,
          requestId,
          details: { domain: row.domain, by: 'operator' },
        });
      });
    } catch (error) {
      throw isTaken(error) ? signOnErrors.SSO_DOMAIN_TAKEN({ cause: error }) : error;
    }
  },
});
