/** Identity providers of organisations as the API shows them; client secrets go in and never come out. */
import type { z } from 'zod';
import type { Services } from '#kernel/app';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { signOnAddresses } from './addresses.ts';
import type { ssoConnection, ssoDomain } from './contract.ts';
import { secretPlace } from './providers.ts';
import { describeCertificate } from './saml-metadata.ts';
import type { SsoConnectionRow } from './types.ts';

export type SsoConnection = z.input<typeof ssoConnection>;
export type SsoDomain = z.input<typeof ssoDomain>;

export interface DomainRow {
  readonly id: string;
  readonly tenant_id: string;
  readonly connection_id: string;
  readonly domain: string;
  readonly proof_token: string;
  readonly verified_at: Date | null;
  readonly verified_by: 'dns' | 'operator' | null;
}

/** toDomain is a domain as it is shown; the record is no secret, as it is published anyway. */
export function toDomain(row: DomainRow): SsoDomain {
  return {
    id: row.id,
    domain: row.domain,
    isVerified: row.verified_at !== null,
    verifiedBy: row.verified_by,
    record: `bulkhead-verify=${row.proof_token}`,
  };
}

function describeOwn(pem: string, now: number) {
  const { fingerprint, expiresAt } = describeCertificate(pem, now);
  return { pem, fingerprint, expiresAt };
}

/** toConnection is a connection as it is shown, with the addresses that its provider has to be told. */
export function toConnection(row: SsoConnectionRow, domains: readonly DomainRow[], origin: string): SsoConnection {
  const addresses = signOnAddresses(origin, row.id);
  const now = Date.now();
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    issuer: row.issuer,
    clientId: row.client_id,
    clientSecretLastFour: row.client_secret_last_four,
    signOnUrl: row.sign_on_url,
    certificates: row.certificates.map((pem) => describeCertificate(pem, now)),
    defaultRole: row.default_role,
    isEnforced: row.is_enforced,
    domains: domains.filter((domain) => domain.connection_id === row.id).map(toDomain),
    lastProblem:
      row.last_problem !== null && row.last_problem_at !== null
        ? { detail: row.last_problem, at: row.last_problem_at.toISOString() }
        : null,
    lastSuccessAt: row.last_success_at?.toISOString() ?? null,
    ownCertificate: row.own_certificate === null ? null : describeOwn(row.own_certificate, now),
    signsRequests: row.signs_requests,
    signsOutAtProvider: row.signs_out_at_provider,
    redirectUri: addresses.redirectUri,
    backchannelLogoutUri: addresses.backchannelLogoutUri,
    postLogoutRedirectUri: addresses.postLogoutRedirectUri,
    acsUrl: addresses.acsUrl,
    entityId: addresses.entityId,
    metadataUrl: addresses.metadataUrl,
    createdAt: row.created_at.toISOString(),
  };
}

/** readOwnConnection throws NOT_FOUND, also for another organisation's. */
export async function readOwnConnection(
  tx: Tx,
  tenantId: string,
  id: string,
  isLocked = false,
): Promise<SsoConnectionRow> {
  const [row] = await tx.query<SsoConnectionRow>({
    text: `select * from auth.sso_connections where tenant_id = $1 and id = $2${isLocked ? ' for update' : ''}`,
    values: [tenantId, id],
  });
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

/** readDomains lists the domains of an organisation's connections, oldest first; there are few. */
export function readDomains(tx: Tx, tenantId: string, connectionIds: readonly string[]): Promise<DomainRow[]> {
  return tx.query<DomainRow>({
    text: `select id, tenant_id, connection_id, domain, proof_token, verified_at, verified_by from auth.sso_domains
           where tenant_id = $1 and connection_id = any($2) order by id`,
    values: [tenantId, connectionIds],
  });
}

/** sealClientSecret works in a transaction of its own: the key belongs to the organisation, the row to identity. */
export function sealClientSecret(
  { db, secrets }: Pick<Services, 'db' | 'secrets'>,
  tenantId: string,
  connectionId: string,
  secret: string,
): Promise<string> {
  return db.withTenant({ tenantId }, (tx) => secrets.seal(tx, secretPlace(tenantId, connectionId), secret));
}
