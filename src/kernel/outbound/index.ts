/** The door of outbound HTTP. */
export type { OutboundClient, OutboundRequest, OutboundResponse } from './types.ts';
