/** The door of the model gateway. */
export type {
  ChatMessage, FinishReason, ModelGateway, ModelRef, ModelRequest, Passage, StreamPart, ToolCall, ToolDefinition, Usage,
} from './types.ts';
