/** The wire of SCIM 2.0 (RFC 7643, RFC 7644): bodies are open, because directories send attributes of their own. */
import { z } from 'zod';
import { defineContract, id, type ForeignProtocol } from '#kernel/contract';

const protocol: ForeignProtocol = { standard: 'RFC 7644', mediaType: 'application/scim+json' };

export const userSchema = 'urn:ietf:params:scim:schemas:core:2.0:User';
export const groupSchema = 'urn:ietf:params:scim:schemas:core:2.0:Group';
export const listSchema = 'urn:ietf:params:scim:api:messages:2.0:ListResponse';
export const patchSchema = 'urn:ietf:params:scim:api:messages:2.0:PatchOp';

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^\P{Cc}*$/u, 'Control characters are not allowed');
const schemas = z.array(z.string().max(200)).max(20).optional();
const meta = z.strictObject({
  resourceType: z.string(),
  created: z.iso.datetime(),
  lastModified: z.iso.datetime(),
  location: z.string(),
  version: z.string(),
});

/** Some directories send booleans as text. */
const truth = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]);

export const userBody = z.object({
  schemas,
  userName: text(254),
  externalId: text(200).nullish(),
  displayName: text(200).nullish(),
  name: z.object({ givenName: z.string().max(200).nullish(), familyName: z.string().max(200).nullish() }).nullish(),
  emails: z
    .array(
      z.object({ value: z.string().max(254).nullish(), type: z.string().max(50).nullish(), primary: truth.nullish() }),
    )
    .max(20)
    .nullish(),
  active: truth.default(true),
});

export const groupBody = z.object({
  schemas,
  displayName: text(200),
  externalId: text(200).nullish(),
  members: z
    .array(z.object({ value: z.string().max(100) }))
    .max(5_000)
    .nullish(),
});

/** RFC 7644 writes them small; Entra ID does not. */
const operationName = z
  .enum(['add', 'replace', 'remove', 'Add', 'Replace', 'Remove', 'ADD', 'REPLACE', 'REMOVE'])
  .transform((name) => name.toLowerCase() as 'add' | 'replace' | 'remove');

export const patchBody = z.object({
  schemas,
  Operations: z
    .array(
      z.object({
        op: operationName,
        path: z.string().max(500).nullish(),
        value: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(200),
});

export type PatchOperation = z.output<typeof patchBody>['Operations'][number];

/** Whoever asks for a few attributes gets no others; `schemas` and `id` always come along. */
const always = { schemas: true, id: true } as const;

export const scimUser = z
  .strictObject({
    schemas: z.array(z.string()),
    id,
    externalId: z.string(),
    userName: z.string(),
    displayName: z.string(),
    name: z.strictObject({ givenName: z.string().optional(), familyName: z.string().optional() }),
    emails: z.array(z.strictObject({ value: z.string(), type: z.string(), primary: z.boolean() })),
    active: z.boolean(),
    groups: z.array(z.strictObject({ value: id, display: z.string() })),
    meta,
  })
  .partial()
  .required(always);

export const scimGroup = z
  .strictObject({
    schemas: z.array(z.string()),
    id,
    externalId: z.string(),
    displayName: z.string(),
    members: z.array(z.strictObject({ value: id, display: z.string(), type: z.literal('User') })),
    meta,
  })
  .partial()
  .required(always);

const listOf = <T extends z.ZodType>(resource: T) =>
  z.strictObject({
    schemas: z.array(z.string()),
    totalResults: z.int(),
    startIndex: z.int(),
    itemsPerPage: z.int(),
    Resources: z.array(resource),
  });

const attributes = z.string().max(1_000).optional();
const query = z.strictObject({
  filter: z.string().min(1).max(500).optional(),
  startIndex: z.coerce.number().int().max(1_000_000_000).default(1).describe('Counts from 1; less is taken as 1'),
  count: z.coerce.number().int().max(1_000_000_000).default(100).describe('At most 200; less than 0 is taken as 0'),
  attributes: attributes.describe('Only these, separated by commas'),
  excludedAttributes: attributes.describe('All but these; `members` spares the members of groups'),
  sortBy: attributes.describe('An attribute; without it resources come in the order in which they were made'),
  sortOrder: z
    .string()
    .max(20)
    .toLowerCase()
    .pipe(z.enum(['ascending', 'descending']))
    .optional(),
});
const selection = z.strictObject({ attributes, excludedAttributes: attributes });

const userParams = z.strictObject({ scimUserId: id });
const groupParams = z.strictObject({ scimGroupId: id });

const supported = z.strictObject({ supported: z.boolean() });
const serviceConfig = z.strictObject({
  schemas: z.array(z.string()),
  documentationUri: z.string(),
  patch: supported,
  bulk: z.strictObject({ supported: z.boolean(), maxOperations: z.int(), maxPayloadSize: z.int() }),
  filter: z.strictObject({ supported: z.boolean(), maxResults: z.int() }),
  changePassword: supported,
  sort: supported,
  etag: supported,
  authenticationSchemes: z.array(
    z.strictObject({ type: z.string(), name: z.string(), description: z.string(), primary: z.boolean() }),
  ),
  meta: z.strictObject({ resourceType: z.string(), location: z.string() }),
});

const resourceType = z.strictObject({
  schemas: z.array(z.string()),
  id: z.string(),
  name: z.string(),
  endpoint: z.string(),
  schema: z.string(),
  meta: z.strictObject({ resourceType: z.string(), location: z.string() }),
});

const attribute = z.strictObject({
  name: z.string(),
  type: z.string(),
  multiValued: z.boolean(),
  required: z.boolean(),
  caseExact: z.boolean(),
  mutability: z.string(),
  returned: z.string(),
  uniqueness: z.string(),
});
const schemaDefinition = z.strictObject({
  id: z.string(),
  name: z.string(),
  attributes: z.array(attribute.extend({ subAttributes: z.array(attribute).optional() })),
  meta: z.strictObject({ resourceType: z.string(), location: z.string() }),
});

export const scimContract = defineContract({
  'GET /scim/v2/ServiceProviderConfig': { summary: 'What this SCIM service can do', response: serviceConfig, protocol },
  'GET /scim/v2/ResourceTypes': { summary: 'What can be provisioned', response: listOf(resourceType), protocol },
  'GET /scim/v2/Schemas': { summary: 'Which attributes are kept', response: listOf(schemaDefinition), protocol },
  'GET /scim/v2/Users': { summary: 'List provisioned people', query, response: listOf(scimUser), protocol },
  'POST /scim/v2/Users': {
    summary: 'Provision a person with an address of a domain that the organisation has proved',
    body: userBody,
    response: scimUser,
    status: 201,
    protocol,
  },
  'GET /scim/v2/Users/{scimUserId}': {
    summary: 'Read a provisioned person',
    params: userParams,
    query: selection,
    response: scimUser,
    protocol,
  },
  'PUT /scim/v2/Users/{scimUserId}': {
    summary: 'Replace a provisioned person',
    params: userParams,
    body: userBody,
    response: scimUser,
    protocol,
  },
  'PATCH /scim/v2/Users/{scimUserId}': {
    summary: 'Change a provisioned person; `active: false` puts them out at once',
    params: userParams,
    body: patchBody,
    response: scimUser,
    protocol,
  },
  'DELETE /scim/v2/Users/{scimUserId}': {
    summary: 'Put a person out of the organisation at once; their account stays theirs',
    params: userParams,
    protocol,
  },
  'GET /scim/v2/Groups': { summary: 'List groups', query, response: listOf(scimGroup), protocol },
  'POST /scim/v2/Groups': { summary: 'Provision a group', body: groupBody, response: scimGroup, status: 201, protocol },
  'GET /scim/v2/Groups/{scimGroupId}': {
    summary: 'Read a group',
    params: groupParams,
    query: selection,
    response: scimGroup,
    protocol,
  },
  'PUT /scim/v2/Groups/{scimGroupId}': {
    summary: 'Replace a group',
    params: groupParams,
    body: groupBody,
    response: scimGroup,
    protocol,
  },
  'PATCH /scim/v2/Groups/{scimGroupId}': {
    summary: 'Change a group: rename it, add and remove members',
    params: groupParams,
    body: patchBody,
    response: scimGroup,
    protocol,
  },
  'DELETE /scim/v2/Groups/{scimGroupId}': { summary: 'Remove a group; its people stay', params: groupParams, protocol },
});
