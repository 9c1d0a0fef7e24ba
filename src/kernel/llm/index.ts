/** The door of the model gateway. */
export { createModelGateway } from './create-model-gateway.ts';
export type { ModelGatewayOptions } from './create-model-gateway.ts';
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
