/** The door of the model gateway. */
export { llmAuditActions } from './audit-actions.ts';
export { createModelGateway } from './create-model-gateway.ts';
export type { ModelGatewayOptions } from './create-model-gateway.ts';
export { llmSealedColumns } from './connection-store.ts';
export { permissions, policy } from './permissions.ts';
export { llmRoutes } from './routes/index.ts';
export type {
  ChatMessage,
  ConnectionKind,
  FinishReason,
  LocalEndpoint,
  ModelGateway,
  ModelRef,
  ModelRequest,
  Passage,
  StreamPart,
  TestOutcome,
  TestTarget,
  ToolCall,
  ToolDefinition,
  Usage,
} from './types.ts';
