/** The door of outbound HTTP. */
export { createOutboundClient } from './create-outbound-client.ts';
export type { OutboundClientOptions } from './create-outbound-client.ts';
export type { Resolver } from './connector.ts';
export type { OutboundClient, OutboundRequest, OutboundResponse } from './types.ts';
