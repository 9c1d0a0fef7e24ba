/** The rows of schema app_agents as queries return them, and how each becomes what the contract promises. */
import type {
  Agent,
  AgentSummary,
  Citation,
  Conversation,
  Document,
  Message,
  MessageUsage,
  Passage,
} from './contract.ts';
import { publicError } from './errors.ts';

export interface AgentRow {
  id: string;
  name: string;
  description: string;
  instructions: string;
  connection_id: string | null;
  model: string;
  temperature: number | null;
  greeting: string;
  suggested_questions: string[];
  tone: Agent['tone'];
  revision: number;
  document_count: number;
  conversation_count: number;
  created_at: Date;
  updated_at: Date;
}

/** agentColumns selects an AgentRow from `app_agents.agents a`; $1 and $2 are the organisation and the caller. */
export const agentColumns = `a.id, a.name, a.description, a.instructions, a.connection_id, a.model, a.temperature, a.greeting,
  a.suggested_questions, a.tone, a.revision, a.document_count, a.created_at, a.updated_at,
  (select count(*)::int from app_agents.conversations c
    where c.tenant_id = $1 and c.agent_id = a.id and c.owner_id = $2) as conversation_count`;

export function toAgent(row: AgentRow): Agent {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    instructions: row.instructions,
    model: { connectionId: row.connection_id, model: row.model },
    temperature: row.temperature,
    greeting: row.greeting,
    suggestedQuestions: row.suggested_questions,
    tone: row.tone,
    revision: row.revision,
    documentCount: row.document_count,
    conversationCount: row.conversation_count,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export function toAgentSummary(row: Omit<AgentRow, 'instructions'>): AgentSummary {
  return {
    id: row.id,
    name: row.name,
    description: row.description,
    model: { connectionId: row.connection_id, model: row.model },
    documentCount: row.document_count,
    conversationCount: row.conversation_count,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export interface DocumentRow {
  id: string;
  agent_id: string;
  object_id: string;
  title: string;
  filename: string;
  content_type: Document['contentType'];
  /** PostgreSQL's bigint arrives as text. */
  size_bytes: string;
  state: Document['state'];
  generation: number;
  progress_percent: number;
  passage_count: number;
  page_count: number | null;
  error_code: string | null;
  created_at: Date;
  updated_at: Date;
}

export const documentColumns = `d.id, d.agent_id, d.object_id, d.title, d.filename, d.content_type, d.size_bytes, d.state,
  d.generation, d.progress_percent, d.passage_count, d.page_count, d.error_code, d.created_at, d.updated_at`;

export function toDocument(row: DocumentRow): Document {
  return {
    id: row.id,
    agentId: row.agent_id,
    title: row.title,
    filename: row.filename,
    contentType: row.content_type,
    sizeBytes: Number(row.size_bytes),
    state: row.state,
    progress: row.progress_percent,
    passageCount: row.passage_count,
    pageCount: row.page_count,
    error: row.error_code === null ? null : publicError(row.error_code),
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export interface PassageRow {
  id: string;
  document_id: string;
  position: number;
  headings: string[];
  page: number | null;
  text: string;
}

export const passageColumns = 'p.id, p.document_id, p.position, p.headings, p.page, p.text';

export function toPassage(row: PassageRow): Passage {
  const { id, document_id: documentId, position, headings, page, text } = row;
  return { id, documentId, position, headings, page, text };
}

export interface ConversationRow {
  id: string;
  agent_id: string;
  agent_name: string;
  title: string;
  message_count: number;
  active_run_id: string | null;
  created_at: Date;
  updated_at: Date;
  /** `updated_at` with microseconds, as text: a Date would lose them and a cursor built from it would skip rows. */
  updated_key: string;
}

/** conversationColumns selects a ConversationRow from `app_agents.conversations c join app_agents.agents a`. */
export const conversationColumns = `c.id, c.agent_id, a.name as agent_name, c.title, c.message_count, c.active_run_id,
  c.created_at, c.updated_at, c.updated_at::text as updated_key`;

export function toConversation(row: ConversationRow): Conversation {
  return {
    id: row.id,
    agentId: row.agent_id,
    agentName: row.agent_name,
    title: row.title,
    messageCount: row.message_count,
    activeRunId: row.active_run_id,
    createdAt: row.created_at.toISOString(),
    updatedAt: row.updated_at.toISOString(),
  };
}

export interface MessageRow {
  id: string;
  conversation_id: string;
  position: number;
  role: Message['role'];
  text: string;
  state: Message['state'];
  error_code: string | null;
  error_detail: string | null;
  is_error_retryable: boolean | null;
  citations: Citation[];
  connection_id: string | null;
  model: string | null;
  usage: MessageUsage | null;
  run_id: string | null;
  client_message_id: string | null;
  created_at: Date;
}

export const messageColumns = `m.id, m.conversation_id, m.position, m.role, m.text, m.state, m.error_code, m.error_detail,
  m.is_error_retryable, m.citations, m.connection_id, m.model, m.usage, m.run_id, m.client_message_id, m.created_at`;

export function toMessage(row: MessageRow): Message {
  return {
    id: row.id,
    conversationId: row.conversation_id,
    role: row.role,
    text: row.text,
    state: row.state,
    error:
      row.error_code === null
        ? null
        : { code: row.error_code, detail: row.error_detail ?? '', isRetryable: row.is_error_retryable ?? false },
    citations: row.citations,
    model: row.model === null ? null : { connectionId: row.connection_id, model: row.model },
    usage: row.usage,
    runId: row.run_id,
    clientMessageId: row.client_message_id,
    createdAt: row.created_at.toISOString(),
  };
}
