/** The door of the HTTP layer. */
export { createHttpServer } from './create-http-server.ts';
export type { HttpServer, HttpServerOptions } from './create-http-server.ts';
export { defineRoute } from './define-route.ts';
export { createPolicy } from './policy.ts';
export type { PermissionSet, Policy } from './policy.ts';
export type {
  Access, BinaryAnswer, EventStream, EventWriter, Limit, RequestContext, Route, RouteOptions, ServerSentEvent, SignedInContext, UploadedFile,
} from './types.ts';
