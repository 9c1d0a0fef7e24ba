/** Each look-up by id answers with the row or throws the 404 that tells nothing about other organisations. */
import type { Tx } from '#kernel/db';
import { agentsErrors } from './errors.ts';
import {
  agentColumns,
  conversationColumns,
  documentColumns,
  type AgentRow,
  type ConversationRow,
  type DocumentRow,
} from './tables.ts';

/** Caller is whose rows are looked at. */
export interface Caller {
  readonly tenantId: string;
  readonly userId: string;
}

/** takeRow returns the row that a statement must have given, such as `insert … returning`. Throws when it gave none. */
export function takeRow<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('the statement gave no row');
  return row;
}

/** findAgent reads an agent that is not deleted. Throws AGENT_NOT_FOUND. */
export async function findAgent(tx: Tx, caller: Caller, agentId: string): Promise<AgentRow> {
  const [row] = await tx.query<AgentRow>({
    name: 'agents-find-agent',
    text: `select ${agentColumns} from app_agents.agents a where a.tenant_id = $1 and a.id = $3 and a.deleted_at is null`,
    values: [caller.tenantId, caller.userId, agentId],
  });
  if (!row) throw agentsErrors.AGENT_NOT_FOUND();
  return row;
}

/** findDocument reads a document of an agent that is not deleted. Throws DOCUMENT_NOT_FOUND. */
export async function findDocument(tx: Tx, caller: Caller, documentId: string): Promise<DocumentRow> {
  const [row] = await tx.query<DocumentRow>({
    name: 'agents-find-document',
    text: `select ${documentColumns} from app_agents.documents d
      join app_agents.agents a on a.tenant_id = d.tenant_id and a.id = d.agent_id and a.deleted_at is null
      where d.tenant_id = $1 and d.id = $2`,
    values: [caller.tenantId, documentId],
  });
  if (!row) throw agentsErrors.DOCUMENT_NOT_FOUND();
  return row;
}

/** findConversation reads one of the caller's conversations. Throws CONVERSATION_NOT_FOUND. */
export async function findConversation(tx: Tx, caller: Caller, conversationId: string): Promise<ConversationRow> {
  const [row] = await tx.query<ConversationRow>({
    name: 'agents-find-conversation',
    text: `select ${conversationColumns} from app_agents.conversations c
      join app_agents.agents a on a.tenant_id = c.tenant_id and a.id = c.agent_id and a.deleted_at is null
      where c.tenant_id = $1 and c.owner_id = $2 and c.id = $3`,
    values: [caller.tenantId, caller.userId, conversationId],
  });
  if (!row) throw agentsErrors.CONVERSATION_NOT_FOUND();
  return row;
}
