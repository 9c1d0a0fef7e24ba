/** What a directory asks first: what this service can do, and which attributes it keeps. Nobody's data, so no token. */
import { defineRoute, type Route } from '#kernel/http';
import { groupSchema, scimContract, userSchema } from './contract.ts';
import { describeList } from './scim-answers.ts';
import { scimRoute } from './user-routes.ts';

const path = '/api/v1/scim/v2';

const config = defineRoute(scimContract, 'GET /scim/v2/ServiceProviderConfig', {
  ...scimRoute,
  id: 'auth.scim.config',
  handler: async () => ({
    schemas: ['urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig'],
    documentationUri: '/reference',
    patch: { supported: true },
    bulk: { supported: false, maxOperations: 0, maxPayloadSize: 0 },
    filter: { supported: true, maxResults: 200 },
    changePassword: { supported: false },
    sort: { supported: true },
    etag: { supported: true },
    authenticationSchemes: [
      {
        type: 'oauthbearertoken',
        name: 'Token of the directory',
        description: 'Made by an owner of the organisation under Settings → Directory',
        primary: true,
      },
    ],
    meta: { resourceType: 'ServiceProviderConfig', location: `${path}/ServiceProviderConfig` },
  }),
});

const resourceTypes = defineRoute(scimContract, 'GET /scim/v2/ResourceTypes', {
  ...scimRoute,
  id: 'auth.scim.resource-types',
  handler: async () => {
    const types = [
      ['User', userSchema],
      ['Group', groupSchema],
    ] as const;
    const resources = types.map(([name, schema]) => ({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:ResourceType'],
      id: name,
      name,
      endpoint: `/${name}s`,
      schema,
      meta: { resourceType: 'ResourceType', location: `${path}/ResourceTypes/${name}` },
    }));
    return describeList(resources, resources.length, 1);
  },
});

interface Traits {
  readonly type?: string;
  readonly multiValued?: boolean;
  readonly required?: boolean;
  readonly mutability?: string;
  readonly uniqueness?: string;
}

function attribute(name: string, traits: Traits = {}) {
  return {
    name,
    type: 'string',
    multiValued: false,
    required: false,
    caseExact: false,
    mutability: 'readWrite',
    returned: 'default',
    uniqueness: 'none',
    ...traits,
  };
}

const userAttributes = [
  attribute('userName', { required: true, uniqueness: 'server' }),
  attribute('displayName'),
  { ...attribute('name', { type: 'complex' }), subAttributes: [attribute('givenName'), attribute('familyName')] },
  {
    ...attribute('emails', { type: 'complex', multiValued: true, mutability: 'immutable' }),
    subAttributes: [attribute('value'), attribute('type'), attribute('primary', { type: 'boolean' })],
  },
  attribute('active', { type: 'boolean' }),
  {
    ...attribute('groups', { type: 'complex', multiValued: true, mutability: 'readOnly' }),
    subAttributes: [attribute('value', { mutability: 'readOnly' }), attribute('display', { mutability: 'readOnly' })],
  },
];
const groupAttributes = [
  attribute('displayName', { required: true, uniqueness: 'server' }),
  {
    ...attribute('members', { type: 'complex', multiValued: true }),
    subAttributes: [attribute('value', { mutability: 'immutable' }), attribute('display', { mutability: 'readOnly' })],
  },
];

const schemas = defineRoute(scimContract, 'GET /scim/v2/Schemas', {
  ...scimRoute,
  id: 'auth.scim.schemas',
  handler: async () => {
    const definitions = [
      { id: userSchema, name: 'User', attributes: userAttributes },
      { id: groupSchema, name: 'Group', attributes: groupAttributes },
    ].map((definition) => ({
      ...definition,
      meta: { resourceType: 'Schema', location: `${path}/Schemas/${definition.id}` },
    }));
    return describeList(definitions, definitions.length, 1);
  },
});

export const scimDiscoveryRoutes: readonly Route[] = [config, resourceTypes, schemas];
