/** The chat with an agent: conversations at the left (a drawer on small screens), messages, composer, cited passages. */
import { Drawer } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { usePageParams } from '#web/page-params.ts';
import { LoadingRows } from '#web/ui/index.ts';
import { AgentMissing } from '../agent-missing.tsx';
import { agentQuery, type Agent } from '../agents-api.ts';
import { ChatHeader } from './chat-header.tsx';
import classes from './chat.module.css';
import { Conversation } from './conversation.tsx';
import { ConversationList } from './conversation-list.tsx';
import { useOtherTabs } from './tabs-in-step.ts';
import { conversationQuery, useConversationChanges } from './use-messages.ts';

export default function ChatPage() {
  const { agentId, conversationId } = usePageParams('agentId', 'conversationId');
  const agent = useQuery(agentQuery(agentId));
  if (agent.isPending) {
    return (
      <div className={classes.alone}>
        <LoadingRows rows={3} />
      </div>
    );
  }
  if (!agent.data) {
    return (
      <div className={classes.alone}>
        <AgentMissing error={agent.error} onRetry={() => void agent.refetch()} />
      </div>
    );
  }
  return <Chat agent={agent.data} conversationId={conversationId} />;
}

function Chat({ agent, conversationId }: { readonly agent: Agent; readonly conversationId: string }) {
  const [isListOpen, setListOpen] = useState(false);
  const conversation = useQuery({ ...conversationQuery(conversationId), enabled: conversationId !== '' });
  const { refreshHere } = useConversationChanges();
  useOtherTabs(refreshHere);
  const title = conversationId === '' ? agent.name : conversation.data?.title || agent.name;
  return (
    <div className={classes.chat}>
      <aside className={classes.side} aria-label="Conversations" data-scroll-box>
        <ConversationList agentId={agent.id} conversationId={conversationId} />
      </aside>
      <Drawer opened={isListOpen} onClose={() => setListOpen(false)} title="Conversations" size="20rem">
        <ConversationList agentId={agent.id} conversationId={conversationId} onChosen={() => setListOpen(false)} />
      </Drawer>
      <div className={classes.main}>
        <ChatHeader agent={agent} title={title} isListOpen={isListOpen} onOpenList={() => setListOpen(true)} />
        <Conversation key={agent.id} agent={agent} conversationId={conversationId} />
      </div>
    </div>
  );
}
