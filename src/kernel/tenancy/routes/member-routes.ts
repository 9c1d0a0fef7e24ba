/** Members of the current organisation: listed, promoted, demoted and removed; each act holds everywhere at once. */
import { kernelErrors } from '#kernel/errors';
import type { Tx } from '#kernel/db';
import { defineRoute, type SignedInContext } from '#kernel/http';
import type { Role } from '#kernel/auth';
import { tenancyContract, type Member } from '../contract.ts';
import { tenancyErrors } from '../errors.ts';
import {
  assertMayManage,
  assertNotLastOwner,
  endMembership,
  lockOrganization,
  readRole,
  setRole,
  type LockedOrganization,
} from '../membership.ts';
import { readIdCursor, toPage } from '../organization-rows.ts';
import { pictureUrlOf } from '../picture-url.ts';
import { tellNewRole, tellRemoved } from '../tell-members.ts';
import type { OrganisationPermission } from '../organisation-permissions.ts';
import { readLimit, writeLimit } from './organisation-routes.ts';

interface MemberRow {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly image: string | null;
  readonly role: Role;
  readonly created_at: Date;
}

const memberSql = `select u.id, u.name, u.email, u.image, m.role, m.created_at
  from auth.members m join auth.users u on u.id = m.user_id where m.tenant_id = $1`;

function toMember({ id, name, email, image, role, created_at }: MemberRow, userId: string): Member {
  const pictureUrl = pictureUrlOf(id, image);
  return { id, name, email, pictureUrl, role, joinedAt: created_at.toISOString(), isMe: id === userId };
}

async function readMember(tx: Tx, { tenantId }: LockedOrganization, userId: string, me: string): Promise<Member> {
  const [row] = await tx.query<MemberRow>({ text: `${memberSql} and m.user_id = $2`, values: [tenantId, userId] });
  if (!row) throw kernelErrors.NOT_FOUND();
  return toMember(row, me);
}

export const listMembers = defineRoute(tenancyContract, 'GET /members', {
  id: 'organisation.member.list',
  access: { permission: 'organisation.member.read' },
  limit: readLimit,
  async handler({ services, principal, query }) {
    const pattern = query.search ? `%${query.search.replaceAll(/[\\%_]/g, (sign) => `\\${sign}`)}%` : null;
    const rows = await services.db.withAuth((tx) =>
      tx.query<MemberRow>({
        text: `${memberSql} and ($2::uuid is null or m.user_id > $2)
               and ($3::text is null or u.name ilike $3 or u.email ilike $3) order by m.user_id limit $4`,
        values: [principal.tenantId, readIdCursor(query.cursor), pattern, query.limit + 1],
      }),
    );
    return toPage(rows, query.limit, (row) => toMember(row, principal.userId));
  },
});

interface Change {
  readonly organization: LockedOrganization;
  readonly memberId: string;
  readonly roleBefore: Role;
}

/** changeMember runs `act` under the organisation's lock, then tells every process. Throws NOT_FOUND for whoever is no member. */
async function changeMember<T>(
  ctx: SignedInContext,
  memberId: string,
  permission: OrganisationPermission,
  act: (tx: Tx, change: Change) => Promise<T>,
): Promise<T> {
  const { db, identity } = ctx.services;
  const result = await db.withAuth(async (tx) => {
    const organization = await lockOrganization(tx, ctx.principal, permission);
    const roleBefore = await readRole(tx, organization.tenantId, memberId);
    if (roleBefore === null) throw kernelErrors.NOT_FOUND();
    if (organization.isPersonal) throw tenancyErrors.ORGANISATION_PERSONAL();
    await identity.announce(tx, `user:${memberId}`);
    return act(tx, { organization, memberId, roleBefore });
  });
  identity.forget(`user:${memberId}`);
  return result;
}

export const changeRole = defineRoute(tenancyContract, 'PATCH /members/{memberId}', {
  id: 'organisation.member.update',
  access: { permission: 'organisation.member.write' },
  limit: writeLimit,
  errors: ['OWNERS_ONLY', 'LAST_OWNER', 'ORGANISATION_PERSONAL'],
  handler: (ctx) =>
    changeMember(ctx as SignedInContext, ctx.params.memberId, 'organisation.member.write', async (tx, change) => {
      const { organization, memberId, roleBefore } = change;
      const { role } = ctx.body;
      assertMayManage(organization, roleBefore, role);
      if (roleBefore === 'owner') await assertNotLastOwner(tx, organization, memberId);
      const revokedLinks = await setRole(tx, organization, memberId, role);
      if (memberId !== ctx.principal.userId) await tellNewRole(ctx.services, tx, organization, memberId, role);
      const member = await readMember(tx, organization, memberId, ctx.principal.userId);
      const details = { from: roleBefore, to: role, revokedLinks };
      await ctx.audit(tx, { action: 'organisation.member.update', resource: `user:${memberId}`, details });
      return member;
    }),
});

export const removeMember = defineRoute(tenancyContract, 'DELETE /members/{memberId}', {
  id: 'organisation.member.remove',
  access: { permission: 'organisation.member.write' },
  limit: writeLimit,
  errors: ['OWNERS_ONLY', 'LAST_OWNER', 'ORGANISATION_PERSONAL'],
  handler: (ctx) =>
    changeMember(ctx as SignedInContext, ctx.params.memberId, 'organisation.member.write', async (tx, change) => {
      const { organization, memberId, roleBefore } = change;
      if (memberId !== ctx.principal.userId) assertMayManage(organization, roleBefore);
      if (roleBefore === 'owner') await assertNotLastOwner(tx, organization, memberId);
      const home = await endMembership(tx, organization, memberId);
      if (memberId !== ctx.principal.userId) await tellRemoved(ctx.services, tx, organization, memberId, home);
      const details = { role: roleBefore };
      await ctx.audit(tx, { action: 'organisation.member.remove', resource: `user:${memberId}`, details });
    }),
});

export const makeOwner = defineRoute(tenancyContract, 'POST /members/{memberId}/make-owner', {
  id: 'organisation.member.make-owner',
  access: { permission: 'organisation.ownership.write' },
  limit: writeLimit,
  stepUp: true,
  errors: ['ORGANISATION_PERSONAL', 'LAST_OWNER'],
  async handler(ctx) {
    const { services, principal, params, body } = ctx;
    const isHandover = !body.remainOwner && params.memberId !== principal.userId;
    const owner = await changeMember(
      ctx as SignedInContext,
      params.memberId,
      'organisation.ownership.write',
      async (tx, { organization, memberId, roleBefore }) => {
        await setRole(tx, organization, memberId, 'owner');
        if (memberId !== principal.userId) await tellNewRole(services, tx, organization, memberId, 'owner');
        if (isHandover) {
          await assertNotLastOwner(tx, organization, principal.userId);
          await setRole(tx, organization, principal.userId, 'admin');
          await services.identity.announce(tx, `user:${principal.userId}`);
        }
        const member = await readMember(tx, organization, memberId, principal.userId);
        const details = { from: roleBefore, isHandover };
        await ctx.audit(tx, { action: 'organisation.member.make-owner', resource: `user:${memberId}`, details });
        return member;
      },
    );
    if (isHandover) services.identity.forget(`user:${principal.userId}`);
    return owner;
  },
});
