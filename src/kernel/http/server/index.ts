/** The door of the HTTP server itself; apart from `#kernel/http`, because the modules it serves define routes too. */
export { createHttpServer } from './create-http-server.ts';
export type { HttpServer, HttpServerOptions } from './create-http-server.ts';
export type { StreamLimits } from './event-stream.ts';
