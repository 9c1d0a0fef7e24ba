/** SCIM routes of groups; what a group means here is said by an administrator, never by the directory. */
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type RequestContext, type Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import type { z } from 'zod';
import { answerList } from './answer-list.ts';
import { scimContract, type groupBody } from './contract.ts';
import { deleteGroup, findGroup, listGroups, saveGroup, type ScimGroupRow } from './directory-store.ts';
import type { FilterColumns } from './filter.ts';
import { patchGroup, type GroupDraft } from './patch.ts';
import { applyRoles, holdersOf, lockMembers } from './provision.ts';
import { answerResource, assertVersion, describeGroup, describeNow } from './scim-answers.ts';
import { changeErrors, scimRoute } from './user-routes.ts';
import { withDirectory, type Directory } from './with-directory.ts';

const hasMember = `exists (select from auth.scim_group_members m
  where m.tenant_id = g.tenant_id and m.group_id = g.id and m.scim_user_id::text = ?)`;

const columns: FilterColumns = {
  attributes: {
    id: { sql: 'g.id::text', type: 'exact' },
    externalid: { sql: 'g.external_id', type: 'exact' },
    displayname: { sql: 'g.display_name', type: 'text' },
    'meta.created': { sql: 'g.created_at', type: 'time' },
    'meta.lastmodified': { sql: 'g.updated_at', type: 'time' },
  },
  related: { members: hasMember, 'members.value': hasMember },
};

function draftOf(body: z.output<typeof groupBody>): GroupDraft {
  const members = new Set((body.members ?? []).map(({ value }) => value));
  return { displayName: body.displayName, externalId: body.externalId ?? null, members };
}

async function readGroup(tx: Tx, { tenantId }: Directory, id: string): Promise<ScimGroupRow> {
  const row = await findGroup(tx, tenantId, id);
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

const list = defineRoute(scimContract, 'GET /scim/v2/Groups', {
  ...scimRoute,
  id: 'auth.scim.group.list',
  handler: (ctx) =>
    withDirectory(ctx, (tx, directory) =>
      answerList(ctx.query, {
        columns,
        read: (condition, window) => listGroups(tx, directory.tenantId, condition, window),
        describe: (row) => describeGroup(directory, row),
      }),
    ),
});

const read = defineRoute(scimContract, 'GET /scim/v2/Groups/{scimGroupId}', {
  ...scimRoute,
  id: 'auth.scim.group.read',
  handler: (ctx) =>
    withDirectory(ctx, async (tx, directory) =>
      answerResource(ctx, describeGroup(directory, await readGroup(tx, directory, ctx.params.scimGroupId)), ctx.query),
    ),
});

/** writeGroup saves what `change` makes of the group (null: there is none yet) and gives its people their roles. */
function writeGroup(
  ctx: RequestContext,
  id: string | null,
  verb: string,
  change: (row: ScimGroupRow | null) => GroupDraft,
) {
  return withDirectory(ctx, async (tx, directory) => {
    const { tenantId, now } = directory;
    await lockMembers(tx, tenantId);
    const before = id === null ? null : await readGroup(tx, directory, id);
    if (before) assertVersion(ctx, describeGroup(directory, before));
    const groupId = before?.id ?? newId();
    await saveGroup(tx, tenantId, groupId, change(before), now);
    await applyRoles(tx, tenantId);
    await directory.audit(tx, `auth.scim.group.${verb}`, `directory-group:${groupId}`);
    return describeNow(ctx, describeGroup(directory, await readGroup(tx, directory, groupId)));
  });
}

const create = defineRoute(scimContract, 'POST /scim/v2/Groups', {
  ...scimRoute,
  id: 'auth.scim.group.create',
  errors: ['UNAUTHENTICATED', 'SCIM_TAKEN'],
  handler: async (ctx) => {
    const group = await writeGroup(ctx, null, 'create', () => draftOf(ctx.body));
    ctx.setHeader('location', group.meta.location);
    return group;
  },
});

const replace = defineRoute(scimContract, 'PUT /scim/v2/Groups/{scimGroupId}', {
  ...scimRoute,
  id: 'auth.scim.group.replace',
  errors: ['UNAUTHENTICATED', 'SCIM_TAKEN', 'SCIM_VERSION_OLD'],
  handler: (ctx) => writeGroup(ctx, ctx.params.scimGroupId, 'update', () => draftOf(ctx.body)),
});

const patch = defineRoute(scimContract, 'PATCH /scim/v2/Groups/{scimGroupId}', {
  ...scimRoute,
  id: 'auth.scim.group.patch',
  errors: changeErrors,
  handler: (ctx) =>
    writeGroup(ctx, ctx.params.scimGroupId, 'update', (row) =>
      patchGroup(
        {
          displayName: row?.display_name ?? '',
          externalId: row?.external_id ?? null,
          members: new Set(row?.members.map(({ value }) => value)),
        },
        ctx.body.Operations,
      ),
    ),
});

const remove = defineRoute(scimContract, 'DELETE /scim/v2/Groups/{scimGroupId}', {
  ...scimRoute,
  id: 'auth.scim.group.delete',
  errors: ['UNAUTHENTICATED', 'SCIM_VERSION_OLD'],
  handler: (ctx) =>
    withDirectory(ctx, async (tx, directory) => {
      const { tenantId } = directory;
      await lockMembers(tx, tenantId);
      assertVersion(ctx, describeGroup(directory, await readGroup(tx, directory, ctx.params.scimGroupId)));
      const holders = await holdersOf(tx, tenantId, ctx.params.scimGroupId);
      await deleteGroup(tx, tenantId, ctx.params.scimGroupId);
      await applyRoles(tx, tenantId, holders);
      await directory.audit(tx, 'auth.scim.group.delete', `directory-group:${ctx.params.scimGroupId}`);
    }),
});

export const scimGroupRoutes: readonly Route[] = [list, read, create, replace, patch, remove];
