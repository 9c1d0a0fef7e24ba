/** The OpenAPI document is made from the routes themselves, so it cannot say anything else than the server does (K17.1). */
import { z } from 'zod';
import { sessionCookieName } from '#kernel/auth';
import type { ErrorTable } from '#kernel/errors';
import { kernelErrors, listErrorTables } from '#kernel/errors';
import type { Policy } from '../policy.ts';
import { successStatus } from './send-answer.ts';
import type { Route } from '../types.ts';

type Json = Record<string, unknown>;

export interface OpenApiOptions {
  readonly version: string;
}

/** buildOpenApi returns an OpenAPI 3.1 document of all routes. */
export function buildOpenApi(routes: readonly Route[], policy: Policy, options: OpenApiOptions): Json {
  const paths: Record<string, Json> = {};
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
    paths,
    components: {
      securitySchemes: {
        session: { type: 'apiKey', in: 'cookie', name: sessionCookieName, description: 'Set by signing in' },
      },
      schemas: { Problem: problemSchema },
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
    security: route.access === 'public' ? [] : [{ session: [] }],
    'x-permission': permission ?? route.access,
    'x-limit': route.limit,
    parameters: describeParameters(route),
    ...describeBody(route),
    responses: describeResponses(route),
  };
}

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
    ? { requestBody: { required: true, content: { 'application/json': { schema: toSchema(body, 'input') } } } }
    : {};
}

function describeResponses(route: Route): Json {
  const { operation } = route;
  const content: Json = operation.response
    ? { 'application/json': { schema: toSchema(operation.response, 'output') } }
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
  const codes = [
    ...(route.operation.params || route.operation.query || route.operation.body || route.operation.upload
      ? ['INVALID_REQUEST']
      : []),
    ...(route.access === 'public' ? [] : ['UNAUTHENTICATED']),
    ...(typeof route.access === 'object' ? ['FORBIDDEN'] : []),
    ...(route.operation.params ? ['NOT_FOUND'] : []),
    ...(route.operation.body || route.operation.upload ? ['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] : []),
    'RATE_LIMITED',
    'UNAVAILABLE',
    ...(route.errors ?? []),
  ];
  const byStatus = Map.groupBy(new Set(codes), (code) =>
    String((known.get(code) ?? kernelErrors.$table.INTERNAL).status),
  );
  return Object.fromEntries(
    [...byStatus].map(([status, names]) => [
      status,
      {
        description: names.map((name) => `\`${name}\`: ${known.get(name)?.public ?? ''}`).join('\n\n'),
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    ]),
  );
}

function toSchema(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io, unrepresentable: 'any' });
  return rest;
}
