/** Routes for the end of an account or an organisation: asked for, taken back while there is time, certified. */
import type { Services } from '#kernel/app';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { renderMail } from '#kernel/mail';
import { auditIn } from '#kernel/tenancy';
import type { Tx } from '#kernel/db';
import { privacyContract } from '../contract.ts';
import { digestOf, type CertificateFacts } from '../erase/certificate.ts';
import { cancelErasure, findErasure, requestErasure, type ErasureRequest } from '../erase/erasure-requests.ts';
import { privacyErrors } from '../errors.ts';
import type { DataMap } from '../types.ts';

const readLimit: Limit = { name: 'privacy.deletion.read', max: 300, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'privacy.deletion', max: 10, windowSeconds: 3600, by: 'user' };
const certificateLimit: Limit = { name: 'privacy.certificate', max: 60, windowSeconds: 60, by: 'address' };
const dayMilliseconds = 86_400_000;

function toState({ config }: Services, request: ErasureRequest | null) {
  const deletion = request && {
    certificateId: request.certificateId,
    requestedAt: request.requestedAt.toISOString(),
    dueAt: request.dueAt.toISOString(),
  };
  return { deletion, graceDays: config.deletionGraceDays, backupsKeptDays: config.backupKeepDays };
}

function dueAtOf({ services }: SignedInContext): Date {
  return new Date(services.identity.now() + services.config.deletionGraceDays * dayMilliseconds);
}

interface Person {
  name: string;
  email: string;
  home_id: string;
}

async function readPerson(tx: Tx, userId: string): Promise<Person> {
  const [row] = await tx.query<Person>({
    text: `select u.name, u.email, o.id as home_id from auth.users u
           join auth.organizations o on o.personal_user_id = u.id where u.id = $1`,
    values: [userId],
  });
  if (!row) throw kernelErrors.UNAUTHENTICATED();
  return row;
}

/** Who has asked to be deleted is about to go, and is nobody to leave something to. */
const isStaying = (column: string): string =>
  `not exists (select from kernel.erasures e where e.kind = 'person' and e.subject_id = ${column})`;

/** Two who ask at the same moment must not each count on the other. */
const oneAtATime = { text: `select pg_advisory_xact_lock(hashtext('privacy.account-deletion'))` };

/** assertReplaceable throws SOLE_OWNER naming the organisations that would be left to people without an owner. */
async function assertReplaceable(tx: Tx, userId: string): Promise<void> {
  // Held as changes of membership hold them: another owner who leaves at this moment must not count on this one.
  await tx.query({
    text: `select from auth.organizations where id in (select tenant_id from auth.members where user_id = $1)
           order by id for no key update`,
    values: [userId],
  });
  const rows = await tx.query<{ name: string }>({
    text: `select o.name from auth.members m join auth.organizations o on o.id = m.tenant_id
           where m.user_id = $1 and m.role = 'owner'
             and exists (select from auth.members a where a.tenant_id = m.tenant_id and a.user_id <> $1)
             and not exists (select from auth.members a where a.tenant_id = m.tenant_id and a.user_id <> $1 and a.role = 'owner'
                             and ${isStaying('a.user_id')})
           order by o.name`,
    values: [userId],
  });
  if (rows.length > 0) throw privacyErrors.SOLE_OWNER({ extensions: { organisations: rows.map((row) => row.name) } });
}

/** assertOperated throws SOLE_OPERATOR when nobody would be left who runs the server. */
async function assertOperated(tx: Tx, userId: string): Promise<void> {
  const [row] = await tx.query<{ is_sole: boolean }>({
    text: `select exists(select from auth.users where id = $1 and is_operator)
             and not exists(select from auth.users u where u.id <> $1 and u.is_operator and u.disabled_at is null
               and ${isStaying('u.id')}) as is_sole`,
    values: [userId],
  });
  if (row?.is_sole) throw privacyErrors.SOLE_OPERATOR();
}

async function tell(ctx: SignedInContext, tx: Tx, person: Person, request: ErasureRequest): Promise<void> {
  const { mail, config } = ctx.services;
  const base = (config.publicUrl ?? `http://localhost:${config.port}`).replace(/\/+$/, '');
  const day = request.dueAt.toISOString().slice(0, 10);
  const content = {
    title: 'Your account will be deleted',
    paragraphs: [
      `Hello ${person.name},`,
      `On ${day} your account and everything of yours is deleted. Until then you can sign in and take it back.`,
      `A certificate of the deletion will then be at ${base}/deleted/${request.certificateId}`,
    ],
    button: { label: 'Keep my account', url: `${base}/settings/data` },
  };
  await mail.queue(tx, {
    to: person.email,
    subject: content.title,
    kind: 'privacy.deletion',
    ...renderMail(content),
  });
}

const readAccountDeletion = defineRoute(privacyContract, 'GET /account/deletion', {
  id: 'privacy.account-deletion.read',
  access: 'signed-in',
  limit: readLimit,
  handler: ({ services, principal }) =>
    services.db.withAuth(async (tx) => toState(services, await findErasure(tx, 'person', principal.userId))),
});

const deleteAccount = defineRoute(privacyContract, 'POST /account/deletion', {
  id: 'privacy.account-deletion.request',
  access: 'signed-in',
  stepUp: true,
  idempotent: true,
  limit: writeLimit,
  errors: ['SOLE_OWNER', 'SOLE_OPERATOR'],
  handler: (ctx) =>
    ctx.auth(async (tx) => {
      const { userId } = ctx.principal;
      const person = await readPerson(tx, userId);
      await tx.query(oneAtATime);
      await assertReplaceable(tx, userId);
      await assertOperated(tx, userId);
      const asked = await findErasure(tx, 'person', userId);
      if (asked) return toState(ctx.services, asked);
      const subject = { kind: 'person', subjectId: userId, requestedBy: userId } as const;
      const request = await requestErasure(tx, subject, dueAtOf(ctx));
      await tell(ctx, tx, person, request);
      await auditIn(ctx, tx, person.home_id, {
        action: 'privacy.account-deletion.request',
        resource: `user:${userId}`,
        details: { dueAt: request.dueAt.toISOString() },
      });
      return toState(ctx.services, request);
    }),
});

const keepAccount = defineRoute(privacyContract, 'DELETE /account/deletion', {
  id: 'privacy.account-deletion.cancel',
  access: 'signed-in',
  limit: writeLimit,
  handler: (ctx) =>
    ctx.services.db.withAuth(async (tx) => {
      const { userId } = ctx.principal;
      const { home_id: homeId } = await readPerson(tx, userId);
      if (await cancelErasure(tx, 'person', userId, new Date(ctx.services.identity.now()))) {
        await auditIn(ctx, tx, homeId, { action: 'privacy.account-deletion.cancel', resource: `user:${userId}` });
      }
      return toState(ctx.services, await findErasure(tx, 'person', userId));
    }),
});

const readOrganisationDeletion = defineRoute(privacyContract, 'GET /organisation/deletion', {
  id: 'privacy.organisation-deletion.read',
  access: { permission: 'organisation.member.read' },
  limit: readLimit,
  handler: ({ services, principal }) =>
    services.db.withAuth(async (tx) => toState(services, await findErasure(tx, 'organisation', principal.tenantId))),
});

const deleteOrganisation = defineRoute(privacyContract, 'POST /organisation/deletion', {
  id: 'privacy.organisation-deletion.request',
  access: { permission: 'organisation.ownership.write' },
  stepUp: true,
  idempotent: true,
  limit: writeLimit,
  errors: ['NAME_DOES_NOT_MATCH', 'PERSONAL_ORGANISATION'],
  handler: (ctx) =>
    ctx.auth(async (tx) => {
      const { tenantId, userId } = ctx.principal;
      const [row] = await tx.query<{ name: string; is_personal: boolean }>({
        text: 'select name, personal_user_id is not null as is_personal from auth.organizations where id = $1',
        values: [tenantId],
      });
      if (!row) throw kernelErrors.NOT_FOUND();
      if (row.is_personal) throw privacyErrors.PERSONAL_ORGANISATION();
      if (row.name.trim() !== ctx.body.name.trim()) {
        const errors = [{ pointer: '/body/name', detail: 'not the name of the organisation' }];
        throw privacyErrors.NAME_DOES_NOT_MATCH({ errors });
      }
      const asked = await findErasure(tx, 'organisation', tenantId);
      if (asked) return toState(ctx.services, asked);
      const subject = { kind: 'organisation', subjectId: tenantId, requestedBy: userId } as const;
      const request = await requestErasure(tx, subject, dueAtOf(ctx));
      await tellOwners(ctx, tx, row.name, request);
      await ctx.audit(tx, {
        action: 'privacy.organisation-deletion.request',
        resource: `organisation:${tenantId}`,
        details: { dueAt: request.dueAt.toISOString() },
      });
      return toState(ctx.services, request);
    }),
});

/** tellOwners lets nobody who could stop it be surprised. */
async function tellOwners(ctx: SignedInContext, tx: Tx, name: string, request: ErasureRequest): Promise<void> {
  const { tenantId } = ctx.principal;
  const owners = await tx.query<{ user_id: string }>({
    text: `select user_id from auth.members where tenant_id = $1 and role in ('owner', 'admin')`,
    values: [tenantId],
  });
  for (const { user_id: userId } of owners) {
    await ctx.services.notifications.notify(tx, {
      tenantId,
      userId,
      kind: 'privacy.organisation-deletion',
      title: `${name} will be deleted`.slice(0, 200),
      text: `On ${request.dueAt.toISOString().slice(0, 10)} everything in it is deleted. Until then an owner can take it back.`,
      link: '/settings/data',
    });
  }
}

const keepOrganisation = defineRoute(privacyContract, 'DELETE /organisation/deletion', {
  id: 'privacy.organisation-deletion.cancel',
  access: { permission: 'organisation.ownership.write' },
  limit: writeLimit,
  handler: (ctx) =>
    ctx.services.db.withAuth(async (tx) => {
      const { tenantId } = ctx.principal;
      if (await cancelErasure(tx, 'organisation', tenantId, new Date(ctx.services.identity.now()))) {
        const resource = `organisation:${tenantId}`;
        await ctx.audit(tx, { action: 'privacy.organisation-deletion.cancel', resource });
      }
      return toState(ctx.services, await findErasure(tx, 'organisation', tenantId));
    }),
});

interface CertificateRow {
  id: string;
  kind: 'person' | 'organisation';
  requested_at: Date;
  completed_at: Date;
  facts: CertificateFacts;
  digest: string;
}

/** titlesOf says in words what tables hold; a table that is no more has none. */
function titlesOf(map: DataMap, tables: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    tables.flatMap((table) => {
      const title = map[table]?.title;
      return title === undefined ? [] : [[table, title]];
    }),
  );
}

const readCertificate = defineRoute(privacyContract, 'GET /deletion-certificates/{certificateId}', {
  id: 'privacy.certificate.read',
  access: 'public',
  limit: certificateLimit,
  async handler({ services, params }) {
    const [row] = await services.db.withSystem('read a certificate of deletion', (tx) =>
      tx.query<CertificateRow>({
        text: `select id, kind, requested_at, completed_at, facts, digest from kernel.deletion_certificates where id = $1`,
        values: [params.certificateId],
      }),
    );
    if (!row) throw kernelErrors.NOT_FOUND();
    const { id, kind, facts } = row;
    const requestedAt = row.requested_at.toISOString();
    const completedAt = row.completed_at.toISOString();
    const digest = digestOf(services.config.authSecret ?? '', { id, kind, requestedAt, completedAt, facts });
    // A certificate that was changed in the database is none.
    if (digest !== row.digest) throw kernelErrors.NOT_FOUND({ internal: 'the digest of a certificate does not fit' });
    const titles = titlesOf(services.rights.map, Object.keys(facts.rows));
    return { id, kind, requestedAt, completedAt, ...facts, remains: [...facts.remains], titles, digest };
  },
});

export const deletionRoutes: readonly Route[] = [
  readAccountDeletion,
  deleteAccount,
  keepAccount,
  readOrganisationDeletion,
  deleteOrganisation,
  keepOrganisation,
  readCertificate,
];
