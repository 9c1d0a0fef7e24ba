/** The OpenAPI document is made from the routes themselves, so it cannot say anything else than the server does (K17.1). */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { sessionCookieName } from '#kernel/auth';
import type { ErrorTable } from '#kernel/errors';
import { kernelErrors, listErrorTables } from '#kernel/errors';
import { idempotencyErrors } from '#kernel/idempotency';
import type { Policy } from '../policy.ts';
import { bodyTypeOf } from './negotiate.ts';
import { successStatus } from './send-answer.ts';
import type { Route } from '../types.ts';

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  readonly version: string;
}

/** buildOpenApi returns an OpenAPI 3.1 document of all routes. */
export function buildOpenApi(routes: readonly Route[], policy: Policy, options: OpenApiOptions): Json {
  const paths: Record<string, Json> = {};
  const schemas: Json = { Problem: problemSchema };
  for (const route of routes) {
    const [method = '', path = ''] = route.key.split(' ');
    (paths[path] ??= {})[method.toLowerCase()] = describeRoute(route, policy);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Bulkhead',
      version: options.version,
      description: 'One API for every application of this server. Errors are RFC 9457 problems with a stable `code`.',
    },
    servers: [{ url: '/api/v1' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name })),
    paths: shareDefinitions(paths, schemas),
    components: {
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: sessionCookieName, description: 'Set by signing in' },
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'An API key (`bhk_…`), made under Settings → API keys, which does what its scopes allow; or the access token of a phone or program (`bat_…`), from `POST /auth/token`.',
        },
        directory: { type: 'http', scheme: 'bearer', description: 'A token of an organisation’s directory (`bsc_…`)' },
      },
      schemas,
      headers: rateLimitFields,
    },
  };
}

const rateLimitFields = {
  RateLimit: {
    description: 'What is left of the limit and when it is full again',
    schema: { type: 'string', examples: ['"agents.chat";r=29;t=42'] },
  },
  'RateLimit-Policy': {
    description: 'The limit: quota and window in seconds',
    schema: { type: 'string', examples: ['"agents.chat";q=30;w=60'] },
  },
};

const problemSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId', 'isRetryable'],
  properties: {
    type: { type: 'string', description: 'Address of the explanation' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', description: 'Stable name of the error', examples: ['INVALID_REQUEST'] },
    requestId: { type: 'string', format: 'uuid' },
    isRetryable: { type: 'boolean', description: 'True when the same request may succeed later' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['pointer', 'detail'],
        properties: { pointer: { type: 'string', examples: ['/body/name'] }, detail: { type: 'string' } },
      },
    },
  },
};

function tagOf(route: Route): string {
  return route.id.split('.')[0] ?? route.id;
}

function describeRoute(route: Route, policy: Policy): Json {
  const { operation } = route;
  const permission = typeof route.access === 'object' ? route.access.permission : undefined;
  return {
    operationId: route.id,
    summary: operation.summary,
    tags: [tagOf(route)],
    ...(permission
      ? { description: `Needs the permission \`${permission}\`: ${policy.permissions[permission] ?? ''}` }
      : {}),
    security: describeSecurity(route),
    'x-permission': permission ?? route.access,
    'x-limit': route.limit,
    ...(route.planLimit ? { 'x-plan-limit': route.planLimit } : {}),
    parameters: describeParameters(route),
    ...describeBody(route),
    responses: describeResponses(route),
  };
}

/** A recent proof is given in a browser, and who runs the server does so there; all else is open to bearers as well. */
function describeSecurity({ access, stepUp, operation }: Route): Json[] {
  if (operation.protocol) return [{ directory: [] }];
  if (access === 'public') return [];
  return stepUp || access === 'operator' ? [{ session: [] }] : [{ session: [] }, { bearer: [] }];
}

const organisationParameter = {
  name: 'X-Organisation',
  in: 'header',
  required: false,
  description: 'The organisation you believe to work in; refused with 409 when your session works in another',
  schema: { type: 'string', format: 'uuid' },
};

function describeParameters(route: Route): Json[] {
  const { params, query } = route.operation;
  const idempotency = {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description: 'A text of your choice; the same key with the same body gives the first answer for 24 hours',
    schema: { type: 'string', maxLength: 255 },
  };
  const parameters = [...parametersOf(params, 'path'), ...parametersOf(query, 'query')];
  if (route.access !== 'public') parameters.push(organisationParameter);
  return route.idempotent ? [...parameters, idempotency] : parameters;
}

function parametersOf(schema: z.ZodObject | undefined, place: 'path' | 'query'): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = toSchema(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property;
    return {
      name,
      in: place,
      required: place === 'path' || required.includes(name),
      ...(description ? { description } : {}),
      schema: rest,
    };
  });
}

function describeBody(route: Route): Json {
  const { body, upload } = route.operation;
  if (upload) {
    const schema = { type: 'object', required: ['file'], properties: { file: { type: 'string', format: 'binary' } } };
    return { requestBody: { required: true, content: { 'multipart/form-data': { schema } } } };
  }
  return body
    ? {
        requestBody: {
          required: true,
          content: {
            [route.operation.protocol?.mediaType ?? bodyTypeOf(route.operation)]: { schema: toSchema(body, 'input') },
          },
        },
      }
    : {};
}

function describeResponses(route: Route): Json {
  const { operation } = route;
  const content: Json = operation.response
    ? { [operation.protocol?.mediaType ?? 'application/json']: { schema: toSchema(operation.response, 'output') } }
    : operation.binary
      ? { '*/*': { schema: { type: 'string', format: 'binary' } } }
      : {};
  const headers = Object.fromEntries(
    Object.keys(rateLimitFields).map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
  const success: Json = {
    description: operation.summary,
    headers,
    ...(Object.keys(content).length > 0 ? { content } : {}),
  };
  const streamed: Json = {
    description: 'A stream of server-sent events',
    headers,
    content: { 'text/event-stream': { schema: { type: 'string' } } },
  };
  const status = String(successStatus(operation));
  const responses: Record<string, Json> =
    operation.stream && !operation.response ? { 200: streamed } : { [status]: success };
  if (operation.stream && operation.response) {
    if (status === '200') success['content'] = { ...content, 'text/event-stream': { schema: { type: 'string' } } };
    else responses['200'] = streamed;
  }
  return { ...responses, ...describeProblems(route) };
}

/** describeProblems lists the errors a route may answer, by status, each code with its sentence. */
function describeProblems(route: Route): Record<string, Json> {
  const known = new Map([...listErrorTables().values()].flatMap((table: ErrorTable) => Object.entries(table)));
  const codes = [...pipelineCodes(route), ...(route.errors ?? [])];
  const byStatus = Map.groupBy(new Set(codes), (code) =>
    String((known.get(code) ?? kernelErrors.$table.INTERNAL).status),
  );
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: names.map((name) => `\`${name}\`: ${known.get(name)?.public ?? ''}`).join('\n\n'),
        content: problemContent(route),
      },
    ]),
  );
}

/** Another standard has its own form of errors. */
function problemContent({ operation: { protocol } }: Route): Json {
  if (protocol)
    return { [protocol.mediaType]: { schema: { type: 'object', description: `As ${protocol.standard} has it` } } };
  return { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } };
}

/** pipelineCodes are the errors that the pipeline itself may answer, before and around the handler. */
function pipelineCodes(route: Route): string[] {
  const isWrite = !route.key.startsWith('GET ');
  const when = (condition: boolean, ...codes: string[]) => (condition ? codes : []);
  return [
    'INVALID_REQUEST',
    ...when(route.access !== 'public', 'UNAUTHENTICATED', 'PERSON_CHANGED', 'ORGANISATION_CHANGED', 'FORBIDDEN'),
    ...when(isWrite, 'CROSS_SITE_REFUSED', 'PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE', 'REQUEST_TIMEOUT'),
    ...when(route.flag !== undefined, 'FEATURE_OFF'),
    ...when(route.stepUp === true, 'STEP_UP_REQUIRED'),
    ...when(route.operation.params !== undefined, 'NOT_FOUND'),
    ...when(route.idempotent === true, ...Object.keys(idempotencyErrors.$table)),
    'NOT_ACCEPTABLE',
    'RATE_LIMITED',
    'UNAVAILABLE',
  ];
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  return rest;
}

/**
 * shareDefinitions moves what Zod defines beside each schema into the document's own `schemas`, where references are
 * looked up from. Throws when two schemas of one name differ.
 */
function shareDefinitions<T>(part: T, schemas: Json): T {
  if (Array.isArray(part)) return part.map((item: unknown) => shareDefinitions(item, schemas)) as T;
  if (typeof part !== 'object' || part === null) return part;
  const { $defs: definitions, ...rest } = part as Json;
  for (const [name, schema] of Object.entries(definitions ?? {})) {
    const shared = shareDefinitions(schema as unknown, schemas);
    if (name in schemas && !isDeepStrictEqual(schemas[name], shared)) throw new Error(`two schemas are called ${name}`);
    schemas[name] = shared;
  }
  const entries = Object.entries(rest).map(([key, value]) => {
    const isReference = key === '$ref' && typeof value === 'string';
    return [key, isReference ? value.replace('#/$defs/', '#/components/schemas/') : shareDefinitions(value, schemas)];
  });
  return Object.fromEntries(entries) as T;
}
