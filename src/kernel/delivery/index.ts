/** The door of deliveries that wait in a table. */
export { createDeliveryLoop } from './create-delivery-loop.ts';
export type { DeliveryLoop, DeliveryLoopOptions } from './create-delivery-loop.ts';
export { backoffSeconds } from './backoff.ts';
