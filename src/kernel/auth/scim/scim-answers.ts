/** Rows as SCIM shows them, each with the version that it has just now. */
import { createHash } from 'node:crypto';
import type { z } from 'zod';
import type { NotModified, RequestContext } from '#kernel/http';
import { groupSchema, listSchema, userSchema, type scimGroup, type scimUser } from './contract.ts';
import type { ScimGroupRow, ScimUserRow } from './directory-store.ts';
import { scimErrors } from './errors.ts';
import { shorten } from './filter.ts';
import type { Directory } from './with-directory.ts';

export type User = z.input<typeof scimUser>;
export type Group = z.input<typeof scimGroup>;
interface Meta {
  readonly meta: { readonly location: string; readonly version: string };
}

/** withVersion names the state of a whole resource; weak, because the same state may be written in other ways. */
function withVersion<T extends object>(resource: T, meta: Omit<NonNullable<User['meta']>, 'version'>) {
  const hash = createHash('sha256')
    .update(JSON.stringify([resource, meta]))
    .digest('base64url');
  return { ...resource, meta: { ...meta, version: `W/"${hash.slice(0, 22)}"` } };
}

function metaOf(directory: Directory, type: 'User' | 'Group', row: ScimUserRow | ScimGroupRow) {
  return {
    resourceType: type,
    created: row.created_at.toISOString(),
    lastModified: row.updated_at.toISOString(),
    location: `${directory.baseUrl}/${type}s/${row.id}`,
  };
}

/** describeUser shows the address of the account, which the person may have changed since. */
export function describeUser(directory: Directory, row: ScimUserRow): User & Meta {
  const user = {
    schemas: [userSchema],
    id: row.id,
    ...(row.external_id ? { externalId: row.external_id } : {}),
    userName: row.user_name,
    displayName: row.display_name,
    name: {
      ...(row.given_name ? { givenName: row.given_name } : {}),
      ...(row.family_name ? { familyName: row.family_name } : {}),
    },
    emails: [{ value: row.email, type: 'work', primary: true }],
    active: row.is_active,
    groups: row.groups,
  };
  return withVersion(user, metaOf(directory, 'User', row));
}

/** describeGroup shows a group with all its members. */
export function describeGroup(directory: Directory, row: ScimGroupRow): Group & Meta {
  const group = {
    schemas: [groupSchema],
    id: row.id,
    ...(row.external_id ? { externalId: row.external_id } : {}),
    displayName: row.display_name,
    members: row.members.map((member) => ({ ...member, type: 'User' as const })),
  };
  return withVersion(group, metaOf(directory, 'Group', row));
}

/** Selection says which attributes of a resource are asked for; names between commas. */
export interface Selection {
  readonly attributes?: string | undefined;
  readonly excludedAttributes?: string | undefined;
}

/** namesOf lists attributes in lower case; a part of one stands for the whole, of which there is little. */
const namesOf = (list: string | undefined): ReadonlySet<string> =>
  new Set(
    (list ?? '').split(',').flatMap((name) => (name.trim() === '' ? [] : [shorten(name.trim()).split('.')[0] ?? ''])),
  );

/** selectAttributes leaves out what was not asked for (RFC 7644, 3.9); `schemas` and `id` always come along. */
export function selectAttributes<T extends User | Group>(
  resource: T,
  { attributes, excludedAttributes }: Selection,
): T {
  const [wanted, spared] = [namesOf(attributes), namesOf(excludedAttributes)];
  const isShown = (name: string) => (wanted.size > 0 ? wanted.has(name) : !spared.has(name));
  const shown = Object.entries(resource).filter(
    ([name]) => name === 'schemas' || name === 'id' || isShown(name.toLowerCase()),
  );
  return Object.fromEntries(shown) as T;
}

/** versionsIn reads If-Match and If-None-Match; W/ makes no difference, as all of ours are weak. */
const versionsIn = (header: string): string[] => header.split(',').map((version) => version.trim().replace(/^W\//, ''));

function isNamed(header: string, version: string): boolean {
  const versions = versionsIn(header);
  return versions.includes('*') || versions.includes(version.replace(/^W\//, ''));
}

/** assertVersion throws SCIM_VERSION_OLD for a change to a version that is no longer the present one (If-Match). */
export function assertVersion(ctx: Pick<RequestContext, 'headers'>, { meta: { version } }: Meta): void {
  const header = ctx.headers['if-match'];
  if (header !== undefined && !isNamed(header, version)) throw scimErrors.SCIM_VERSION_OLD();
}

/** describeNow sets the ETag of what is answered. */
export function describeNow<T extends Meta>(ctx: Pick<RequestContext, 'setHeader'>, resource: T): T {
  ctx.setHeader('etag', resource.meta.version);
  return resource;
}

/** answerResource answers with what was asked for of a resource, or that it is as the caller knows it (If-None-Match). */
export function answerResource<T extends (User | Group) & Meta>(
  ctx: Pick<RequestContext, 'headers' | 'setHeader'>,
  resource: T,
  selection: Selection,
): T | NotModified {
  describeNow(ctx, resource);
  const header = ctx.headers['if-none-match'];
  if (header !== undefined && isNamed(header, resource.meta.version)) return { kind: 'not-modified' };
  return selectAttributes(resource, selection);
}

/** describeList is a page of a list, as RFC 7644, 3.4.2 has it. */
export function describeList<Resource>(resources: Resource[], total: number, startIndex: number) {
  return {
    schemas: [listSchema],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  };
}
