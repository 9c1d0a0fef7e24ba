/**
 * A person's picture. It belongs to the person, so it is stored in their personal organisation and never copied; whoever
 * works in an organisation they belong to may look at it, which is asked of the database each time and ends with either
 * membership. A signed link could do neither: it holds for one organisation, and goes on holding.
 */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute } from '#kernel/http';
import { imageMaxBytesOf } from '#kernel/images';
import { fileHeaders } from '#kernel/storage';
import { authContract } from '../contract.ts';
import { internalsOf } from '../create-identity.ts';
import { readPerson } from '../signed-in-person.ts';

const limit = { name: 'auth.picture', max: 30, windowSeconds: 3600, by: 'user' } as const;
const oneYearSeconds = 31_536_000;

async function findPersonalOrganisation(tx: Tx, userId: string): Promise<string> {
  const [row] = await tx.query<{ id: string }>({
    text: 'select id from auth.organizations where personal_user_id = $1',
    values: [userId],
  });
  if (!row) throw kernelErrors.FORBIDDEN({ detail: 'This account has no place of its own to keep a picture in.' });
  return row.id;
}

/** The picture before goes by a trigger in the same transaction: of two tabs at once the later one's stays, and only it. */
async function setPicture(tx: Tx, userId: string, imageId: string | null): Promise<void> {
  await tx.query({
    text: 'update auth.users set image = $2, updated_at = now() where id = $1',
    values: [userId, imageId],
  });
}

export const updatePicture = defineRoute(authContract, 'PUT /profile/picture', {
  id: 'auth.picture.update',
  access: 'signed-in',
  limit,
  uploadLimitBytes: imageMaxBytesOf,
  errors: ['IMAGE_TYPE_REFUSED', 'IMAGE_TOO_LARGE', 'IMAGE_UNREADABLE', 'IMAGE_TIMEOUT', 'STORAGE_FULL'],
  handler: async (ctx) => {
    const { services, principal, signal } = ctx;
    const { userId } = principal;
    const tenantId = await services.db.withAuth((tx) => findPersonalOrganisation(tx, userId));
    const image = await services.images.store({ tenantId, userId }, ctx.file.stream, { kind: 'avatar', signal });
    // Should this fail, nothing keeps the new picture and it is swept away.
    return services.db.withAuth(async (tx) => {
      await setPicture(tx, userId, image.id);
      await ctx.audit(tx, {
        action: 'auth.picture.update',
        resource: `user:${userId}`,
        details: { imageId: image.id },
      });
      return readPerson(tx, principal, internalsOf(services.identity).listApps());
    });
  },
});

export const removePicture = defineRoute(authContract, 'DELETE /profile/picture', {
  id: 'auth.picture.remove',
  access: 'signed-in',
  limit,
  handler: (ctx) =>
    ctx.services.db.withAuth(async (tx) => {
      const { services, principal } = ctx;
      await setPicture(tx, principal.userId, null);
      await ctx.audit(tx, { action: 'auth.picture.remove', resource: `user:${principal.userId}` });
      return readPerson(tx, principal, internalsOf(services.identity).listApps());
    }),
});

export const readPicture = defineRoute(authContract, 'GET /members/{memberId}/picture', {
  id: 'auth.picture.read',
  access: 'signed-in',
  limit: { name: 'auth.picture-read', max: 1_200, windowSeconds: 60, by: 'user' },
  handler: async ({ services: { db, images }, principal, params, query }) => {
    const [row] = await db.withAuth((tx) =>
      tx.query<{ tenant_id: string }>({
        name: 'auth-read-picture',
        text: `select o.id as tenant_id from auth.members m
               join auth.users u on u.id = m.user_id
               join auth.organizations o on o.personal_user_id = u.id
               where m.tenant_id = $1 and m.user_id = $2 and u.image = $3`,
        values: [principal.tenantId, params.memberId, query.version],
      }),
    );
    if (!row) throw kernelErrors.NOT_FOUND();
    const { object, body } = await images.open({ tenantId: row.tenant_id }, query.version, Number(query.size));
    const now = Date.now();
    // Another picture has another address, so this one may be kept for ever.
    const headers = fileHeaders(object, Math.ceil(now / 1_000) + oneYearSeconds, now);
    return { kind: 'binary', contentType: object.contentType, body, headers };
  },
});
