/** An organisation's picture is a file of the organisation: its members see it by signed links, owners and admins set it. */
import { defineRoute, type Route, type SignedInContext } from '#kernel/http';
import { imagesContract, type OrganisationPicture } from '../contract.ts';
import { imageMaxBytesOf } from '../image-limits.ts';

const linkSeconds = 86_400;
const writeAccess = { permission: 'organisation.settings.write' } as const;
const writeLimit = { name: 'organisation.picture', max: 30, windowSeconds: 3600, by: 'user' } as const;

async function readPicture({ services: { images }, principal, tenant }: Reading): Promise<OrganisationPicture> {
  const [row] = await tenant((tx) =>
    tx.query<{ image_id: string }>({
      text: 'select image_id from kernel.organisation_images where tenant_id = $1',
      values: [principal.tenantId],
    }),
  );
  const [smallUrl, largeUrl] = row ? await images.signUrls(principal, row.image_id, [96, 512], linkSeconds) : [];
  return { picture: smallUrl && largeUrl ? { smallUrl, largeUrl } : null };
}

type Reading = Pick<SignedInContext, 'services' | 'principal' | 'tenant'>;

/** reading passes on what reading needs; `tenant` stays bound to its context. */
function reading(ctx: SignedInContext): Reading {
  return { services: ctx.services, principal: ctx.principal, tenant: (work) => ctx.tenant(work) };
}

const getPicture = defineRoute(imagesContract, 'GET /organisation/picture', {
  id: 'organisation.picture.read',
  access: 'signed-in',
  limit: { name: 'organisation.picture-read', max: 300, windowSeconds: 60, by: 'user' },
  handler: (ctx) => readPicture(reading(ctx)),
});

const putPicture = defineRoute(imagesContract, 'PUT /organisation/picture', {
  id: 'organisation.picture.update',
  access: writeAccess,
  limit: writeLimit,
  uploadLimitBytes: imageMaxBytesOf,
  errors: ['IMAGE_TYPE_REFUSED', 'IMAGE_TOO_LARGE', 'IMAGE_UNREADABLE', 'IMAGE_TIMEOUT', 'STORAGE_FULL'],
  async handler(ctx) {
    const { services, principal, signal } = ctx;
    const { tenantId, userId } = principal;
    const image = await services.images.store({ tenantId, userId }, ctx.file.stream, { kind: 'avatar', signal });
    await ctx.tenant(async (tx) => {
      // Triggers keep the new picture and remove the one before.
      await tx.query({
        text: `insert into kernel.organisation_images (tenant_id, image_id) values ($1, $2)
               on conflict (tenant_id) do update set image_id = excluded.image_id, updated_at = now()`,
        values: [tenantId, image.id],
      });
      await ctx.audit(tx, {
        action: 'organisation.picture.update',
        resource: `organisation:${tenantId}`,
        details: { imageId: image.id },
      });
    });
    return readPicture(reading(ctx));
  },
});

const deletePicture = defineRoute(imagesContract, 'DELETE /organisation/picture', {
  id: 'organisation.picture.remove',
  access: writeAccess,
  limit: writeLimit,
  async handler(ctx) {
    const { tenantId } = ctx.principal;
    await ctx.tenant(async (tx) => {
      await tx.query({ text: 'delete from kernel.organisation_images where tenant_id = $1', values: [tenantId] });
      await ctx.audit(tx, { action: 'organisation.picture.remove', resource: `organisation:${tenantId}` });
    });
    return readPicture(reading(ctx));
  },
});

export const imageRoutes: readonly Route[] = [getPicture, putPicture, deletePicture];
