/** Mounts the routes of the API; what is not a route, or not with that method, is answered with a problem. */
import type { FastifyInstance, FastifyReply, FastifyRequest, HTTPMethods } from 'fastify';
import multipart from '@fastify/multipart';
import { kernelErrors } from '#kernel/errors';
import { acceptForms, acceptJsonOnly } from './body-parser.ts';
import { clientAddressOf } from './client-address.ts';
import { preflightHeaders } from './cors.ts';
import { limitKey, refusedRule, takeOrRefuse } from './rate-limit.ts';
import { createRouteRunner, type RunnerHost } from './route-runner.ts';
import type { Route } from '../types.ts';
import { uploadLimitOf } from './upload.ts';

export const apiPrefix = '/api/v1';
const defaultBodyLimitBytes = 1024 * 1024;
const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;

/** splitKey takes `POST /agents/{agentId}` apart and gives the path in Fastify's notation. */
export function splitKey(key: Route['key']): { readonly method: HTTPMethods; readonly path: string } {
  const [method, path = ''] = key.split(' ');
  return { method: method as HTTPMethods, path: apiPrefix + path.replaceAll(/\{(\w+)\}/g, ':$1') };
}

/** checkRoutes throws when two routes share an id or an address. */
export function checkRoutes(routes: readonly Route[]): void {
  const ids = new Set<string>();
  const addresses = new Set<string>();
  for (const route of routes) {
    const address = route.key.replaceAll(/\{\w+\}/g, '{}');
    if (ids.has(route.id)) throw new Error(`two routes have the id ${route.id}`);
    if (addresses.has(address)) throw new Error(`two routes answer ${route.key}`);
    ids.add(route.id);
    addresses.add(address);
  }
}

/** mountRoutes puts every route under /api/v1. Uploads live in a scope of their own, the only one that parses multipart. */
export async function mountRoutes(server: FastifyInstance, host: RunnerHost, routes: readonly Route[]): Promise<void> {
  checkRoutes(routes);
  await server.register(async (scope) => {
    acceptJsonOnly(scope);
    acceptForms(scope);
    for (const route of routes) if (!route.operation.upload) mountRoute(scope, host, route);
    refuseOtherMethods(scope, host, routes);
  });
  await server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    await scope.register(multipart);
    for (const route of routes) if (route.operation.upload) mountRoute(scope, host, route);
  });
}

function mountRoute(scope: FastifyInstance, host: RunnerHost, route: Route): void {
  const { guardRequest, runRoute } = createRouteRunner(host, route);
  const { method, path } = splitKey(route.key);
  scope.route({
    method,
    url: path,
    onRequest: guardRequest,
    handler: runRoute,
    bodyLimit: route.operation.upload
      ? uploadLimitOf(route, host.services.config) + defaultBodyLimitBytes
      : (route.bodyLimitBytes ?? defaultBodyLimitBytes),
  });
}

/** refuseOtherMethods answers 405 with Allow where an address exists but not with that method, and CORS preflights. */
function refuseOtherMethods(scope: FastifyInstance, host: RunnerHost, routes: readonly Route[]): void {
  const byPath = Map.groupBy(routes, (route) => splitKey(route.key).path);
  for (const [path, siblings] of byPath) {
    const allowed = siblings.map((route) => splitKey(route.key).method as string);
    const allowsCors = siblings.some((route) => route.cors);
    const others = methods.filter((method) => !allowed.includes(method));
    scope.route({
      method: others,
      url: path,
      onRequest: async (request: FastifyRequest, reply: FastifyReply) => {
        await countRefusal(host, request, reply);
        reply.header('allow', allowed.join(', '));
        if (request.method !== 'OPTIONS') throw kernelErrors.METHOD_NOT_ALLOWED();
        if (allowsCors) {
          for (const [name, value] of preflightHeaders(allowed, request.headers.origin, host.origins))
            reply.header(name, value);
        }
        return reply.code(204).send();
      },
      handler: async () => undefined,
    });
  }
}

/** countRefusal counts a request that no route answers, by address. */
export async function countRefusal(
  host: Pick<RunnerHost, 'services'>,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const key = limitKey('address', null, clientAddressOf(request));
  await takeOrRefuse(
    host.services.limits,
    { own: [[refusedRule, key]] },
    (name, value) => void reply.header(name, value),
  );
}
