/** The door of the HTTP layer for modules that define routes; the server itself is behind `#kernel/http/server`. */
export { defineRoute } from './define-route.ts';
export { readIdCursor, toIdPage } from './id-page.ts';
export { createPolicy } from './policy.ts';
export type { PermissionSet, Policy } from './policy.ts';
export type {
  Access,
  BinaryAnswer,
  EventStream,
  EventWriter,
  Limit,
  NotModified,
  RedirectAnswer,
  RequestContext,
  Route,
  RouteOptions,
  ServerSentEvent,
  SignedInContext,
  UploadedFile,
} from './types.ts';
