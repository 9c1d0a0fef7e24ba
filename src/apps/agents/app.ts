/** The agents application as it plugs into the kernel. */
import { defineApp } from '#kernel/app';
import { agentsAuditActions } from './audit-actions.ts';
import { agentsDataMap, agentsRetention } from './data-map.ts';
import { agentsPermissions, agentsPolicy } from './policy.ts';
import { portableSets } from './portable/portable-sets.ts';
import { createAgent } from './routes/create-agent.ts';
import { createConversation } from './routes/create-conversation.ts';
import { deleteAgent } from './routes/delete-agent.ts';
import { deleteConversation } from './routes/delete-conversation.ts';
import { deleteDocument } from './routes/delete-document.ts';
import { getAgent } from './routes/get-agent.ts';
import { getConversation } from './routes/get-conversation.ts';
import { getDocument } from './routes/get-document.ts';
import { getPassage } from './routes/get-passage.ts';
import { listAgents } from './routes/list-agents.ts';
import { listConversations } from './routes/list-conversations.ts';
import { listDocuments } from './routes/list-documents.ts';
import { listMessages } from './routes/list-messages.ts';
import { listPassages } from './routes/list-passages.ts';
import { regenerateAnswer } from './routes/regenerate-answer.ts';
import { renameConversation } from './routes/rename-conversation.ts';
import { retryDocument } from './routes/retry-document.ts';
import { sendMessage } from './routes/send-message.ts';
import { updateAgent } from './routes/update-agent.ts';
import { uploadDocument } from './routes/upload-document.ts';
import { chatTurn } from './workflows/chat-turn.ts';
import { ingestDocument } from './workflows/ingest-document.ts';
import { purgeAgent } from './workflows/purge-agent.ts';
import { sweepAgents } from './workflows/sweep.ts';

export const agents = defineApp({
  id: 'agents',
  title: 'Agents',
  tagline: 'Describe an agent, give it knowledge, and talk to it.',
  schema: 'app_agents',
  migrations: new URL('./migrations/', import.meta.url),
  permissions: agentsPermissions,
  policy: agentsPolicy,
  auditActions: agentsAuditActions,
  routes: [
    listAgents,
    createAgent,
    getAgent,
    updateAgent,
    deleteAgent,
    listDocuments,
    uploadDocument,
    getDocument,
    deleteDocument,
    retryDocument,
    listPassages,
    getPassage,
    listConversations,
    createConversation,
    getConversation,
    renameConversation,
    deleteConversation,
    listMessages,
    sendMessage,
    regenerateAnswer,
  ],
  dataMap: agentsDataMap,
  portable: portableSets,
  retention: agentsRetention,
  workflows: [ingestDocument, purgeAgent],
  runWorkflows: [chatTurn],
  sweep: sweepAgents,
});
