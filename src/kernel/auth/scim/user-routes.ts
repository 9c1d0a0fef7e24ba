/** SCIM routes of people. They are public to the pipeline: the directory's own token is judged inside (see withDirectory). */
import type { z } from 'zod';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, type RequestContext, type Route } from '#kernel/http';
import { newId } from '#kernel/ids';
import { answerList } from './answer-list.ts';
import { scimContract, type userBody } from './contract.ts';
import { deleteUser, findUser, insertUser, listUsers, updateUser, type ScimUserRow } from './directory-store.ts';
import { scimErrors } from './errors.ts';
import type { FilterColumns } from './filter.ts';
import { nameOf, patchUser, statedAddress, type UserDraft } from './patch.ts';
import { applyRoles, changeAddress, findOrCreateAccount, isAddress, letIn, lockMembers, putOut } from './provision.ts';
import { renderScimError } from './render-scim-error.ts';
import { answerResource, assertVersion, describeNow, describeUser } from './scim-answers.ts';
import { withDirectory, type Directory } from './with-directory.ts';

/** scimRoute is what all routes of directories have in common. */
export const scimRoute = {
  access: 'public',
  limit: { name: 'auth.scim-address', max: 2_400, windowSeconds: 60, by: 'address' },
  renderProblem: renderScimError,
  errors: ['UNAUTHENTICATED'],
} as const;

/** changeErrors are what every PATCH may be refused with. */
export const changeErrors = [
  'UNAUTHENTICATED',
  'SCIM_TAKEN',
  'SCIM_VALUE_INVALID',
  'SCIM_PATH_INVALID',
  'SCIM_VERSION_OLD',
];

const columns: FilterColumns = {
  attributes: {
    id: { sql: 's.id::text', type: 'exact' },
    externalid: { sql: 's.external_id', type: 'exact' },
    username: { sql: 's.user_name', type: 'text' },
    displayname: { sql: 's.display_name', type: 'text' },
    'name.givenname': { sql: 's.given_name', type: 'text' },
    'name.familyname': { sql: 's.family_name', type: 'text' },
    emails: { sql: 'u.email', type: 'text' },
    'emails.value': { sql: 'u.email', type: 'text' },
    'emails.type': { sql: `'work'::text`, type: 'text' },
    'emails.primary': { sql: 'true', type: 'truth' },
    active: { sql: 's.is_active', type: 'truth' },
    'meta.created': { sql: 's.created_at', type: 'time' },
    'meta.lastmodified': { sql: 's.updated_at', type: 'time' },
  },
};

type UserBody = z.output<typeof userBody>;

function draftOf(body: UserBody): UserDraft {
  const names = {
    userName: body.userName,
    givenName: body.name?.givenName || null,
    familyName: body.name?.familyName || null,
  };
  return {
    ...names,
    externalId: body.externalId ?? null,
    displayName: body.displayName ?? nameOf(names),
    isActive: body.active,
    email: statedAddress(body.emails),
  };
}

function draftOfRow(row: ScimUserRow): UserDraft {
  return {
    userName: row.user_name,
    externalId: row.external_id,
    displayName: row.display_name,
    givenName: row.given_name,
    familyName: row.family_name,
    isActive: row.is_active,
    email: null,
  };
}

/** addressOf is the stated address, else the first, else a userName that is one. */
function addressOf({ emails, userName }: UserBody): string {
  const address = (statedAddress(emails) ?? emails?.[0]?.value ?? userName).trim().toLowerCase();
  if (isAddress(address)) return address;
  throw scimErrors.SCIM_VALUE_INVALID({ detail: 'A person needs an e-mail address, in emails or as userName.' });
}

async function readUser(tx: Tx, { tenantId }: Directory, id: string): Promise<ScimUserRow> {
  const row = await findUser(tx, tenantId, id);
  if (!row) throw kernelErrors.NOT_FOUND();
  return row;
}

const list = defineRoute(scimContract, 'GET /scim/v2/Users', {
  ...scimRoute,
  id: 'auth.scim.user.list',
  handler: (ctx) =>
    withDirectory(ctx, (tx, directory) =>
      answerList(ctx.query, {
        columns,
        read: (condition, window) => listUsers(tx, directory.tenantId, condition, window),
        describe: (row) => describeUser(directory, row),
      }),
    ),
});

const read = defineRoute(scimContract, 'GET /scim/v2/Users/{scimUserId}', {
  ...scimRoute,
  id: 'auth.scim.user.read',
  handler: (ctx) =>
    withDirectory(ctx, async (tx, directory) =>
      answerResource(ctx, describeUser(directory, await readUser(tx, directory, ctx.params.scimUserId)), ctx.query),
    ),
});

const create = defineRoute(scimContract, 'POST /scim/v2/Users', {
  ...scimRoute,
  id: 'auth.scim.user.create',
  errors: ['UNAUTHENTICATED', 'SCIM_TAKEN', 'SCIM_ACCOUNT_EXISTS', 'SCIM_DOMAIN_NOT_PROVED', 'SCIM_VALUE_INVALID'],
  handler: (ctx) =>
    withDirectory(ctx, async (tx, directory) => {
      const { tenantId, now } = directory;
      const draft = draftOf(ctx.body);
      await lockMembers(tx, tenantId);
      const userId = await findOrCreateAccount(tx, tenantId, addressOf(ctx.body), draft);
      const id = newId();
      await insertUser(tx, { tenantId, id, userId, now }, draft);
      // Somebody who was a member before and comes as inactive is put out like anybody else.
      if (draft.isActive) await letIn(tx, tenantId, userId);
      else await putOut(tx, tenantId, userId);
      await applyRoles(tx, tenantId);
      await directory.audit(tx, 'auth.scim.user.create', `user:${userId}`);
      const row = await readUser(tx, directory, id);
      ctx.setHeader('location', `${directory.baseUrl}/Users/${id}`);
      return describeNow(ctx, describeUser(directory, row));
    }),
});

/** changeUser writes a draft, and lets the person in or puts them out when that has changed. */
function changeUser(ctx: RequestContext, id: string, change: (row: ScimUserRow) => UserDraft) {
  return withDirectory(ctx, async (tx, directory) => {
    const { tenantId, now } = directory;
    await lockMembers(tx, tenantId);
    const before = await readUser(tx, directory, id);
    assertVersion(ctx, describeUser(directory, before));
    const draft = change(before);
    await updateUser(tx, tenantId, id, draft, now);
    if (draft.isActive) await letIn(tx, tenantId, before.user_id);
    else await putOut(tx, tenantId, before.user_id);
    const hasMoved =
      draft.isActive && draft.email !== null && (await changeAddress(tx, tenantId, before.user_id, draft.email));
    if (hasMoved) await directory.audit(tx, 'auth.scim.user.address', `user:${before.user_id}`);
    await applyRoles(tx, tenantId);
    const verb = draft.isActive === before.is_active ? 'update' : draft.isActive ? 'activate' : 'deactivate';
    await directory.audit(tx, `auth.scim.user.${verb}`, `user:${before.user_id}`);
    return {
      answer: describeNow(ctx, describeUser(directory, await readUser(tx, directory, id))),
      userId: before.user_id,
    };
  }).then(({ answer, userId }) => {
    ctx.services.identity.forget(`user:${userId}`);
    return answer;
  });
}

const replace = defineRoute(scimContract, 'PUT /scim/v2/Users/{scimUserId}', {
  ...scimRoute,
  id: 'auth.scim.user.replace',
  errors: ['UNAUTHENTICATED', 'SCIM_TAKEN', 'SCIM_OWNER_KEPT', 'SCIM_VERSION_OLD'],
  handler: (ctx) => changeUser(ctx, ctx.params.scimUserId, () => draftOf(ctx.body)),
});

const patch = defineRoute(scimContract, 'PATCH /scim/v2/Users/{scimUserId}', {
  ...scimRoute,
  id: 'auth.scim.user.patch',
  errors: [...changeErrors, 'SCIM_OWNER_KEPT'],
  handler: (ctx) => changeUser(ctx, ctx.params.scimUserId, (row) => patchUser(draftOfRow(row), ctx.body.Operations)),
});

const remove = defineRoute(scimContract, 'DELETE /scim/v2/Users/{scimUserId}', {
  ...scimRoute,
  id: 'auth.scim.user.delete',
  errors: ['UNAUTHENTICATED', 'SCIM_OWNER_KEPT', 'SCIM_VERSION_OLD'],
  handler: async (ctx) => {
    const userId = await withDirectory(ctx, async (tx, directory) => {
      const { tenantId } = directory;
      await lockMembers(tx, tenantId);
      const row = await readUser(tx, directory, ctx.params.scimUserId);
      assertVersion(ctx, describeUser(directory, row));
      await putOut(tx, tenantId, row.user_id);
      await deleteUser(tx, tenantId, row.id);
      await directory.audit(tx, 'auth.scim.user.delete', `user:${row.user_id}`);
      return row.user_id;
    });
    ctx.services.identity.forget(`user:${userId}`);
  },
});

export const scimUserRoutes: readonly Route[] = [list, read, create, replace, patch, remove];
