/** The door of the HTTP layer. */
export { defineRoute } from './define-route.ts';
export type {
  Access, BinaryAnswer, EventStream, EventWriter, Limit, RequestContext, Route, RouteOptions, ServerSentEvent, SignedInContext, UploadedFile,
} from './types.ts';
