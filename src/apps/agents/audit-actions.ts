/** What is done to agents, as the audit page shows it. What people say is not audited. */
import type { AuditActions } from '#kernel/audit';

export const agentsAuditActions: AuditActions = {
  'agents.agent.create': 'Agent created',
  'agents.agent.update': 'Agent changed',
  'agents.agent.delete': 'Agent deleted',
  'agents.document.create': 'Document uploaded',
  'agents.document.retry': 'Document read again',
  'agents.document.delete': 'Document deleted',
  'agents.conversation.create': 'Conversation begun',
  'agents.conversation.update': 'Conversation renamed',
  'agents.conversation.delete': 'Conversation deleted',
};
