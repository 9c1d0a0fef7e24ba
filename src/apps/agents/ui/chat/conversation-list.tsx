/** ConversationList lists one's conversations with an agent: searched on the server, more as one scrolls. */
import { Button, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconEdit } from '@tabler/icons-react';
import { keepPreviousData, useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { pagesOf } from '#web/api-hooks.ts';
import { ErrorState, LoadingRows, SearchField } from '#web/ui/index.ts';
import { agentsApi, pathsOf, type Conversation } from '../agents-api.ts';
import classes from './chat.module.css';
import { ConversationRow } from './conversation-row.tsx';
import { DeleteConversation } from './delete-conversation.tsx';
import { useWhenSeen } from './use-when-seen.ts';

interface ConversationListProps {
  readonly agentId: string;
  readonly conversationId: string;
  /** Called when something was chosen, to close the drawer on a phone. */
  readonly onChosen?: () => void;
}

const searchPauseMilliseconds = 250;
const pageSize = 30;

export function ConversationList({ agentId, conversationId, onChosen }: ConversationListProps) {
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search.trim(), searchPauseMilliseconds);
  const query = { agentId, limit: pageSize, ...(settled ? { search: settled } : {}) };
  const list = useInfiniteQuery({
    ...pagesOf(agentsApi, 'GET /conversations', { query }),
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: 'always',
  });
  const conversations = list.data?.pages.flatMap((page) => page.items) ?? [];
  const [doomed, setDoomed] = useState<Conversation | null>(null);
  const end = useWhenSeen<HTMLLIElement>(list.hasNextPage && !list.isFetchingNextPage, () => void list.fetchNextPage());
  return (
    <>
      <div className={classes.listTop}>
        <Button
          component={Link}
          to={pathsOf(agentId).chat()}
          activeOptions={{ exact: true }}
          variant="default"
          fullWidth
          leftSection={<IconEdit size={16} />}
          onClick={onChosen}
        >
          New chat
        </Button>
        <SearchField label="Search conversations" placeholder="Search" value={search} onChange={setSearch} />
      </div>
      {list.isPending ? <LoadingRows rows={4} height={48} /> : null}
      {list.error && !list.data ? <ErrorState error={list.error} onRetry={() => void list.refetch()} /> : null}
      {list.isSuccess && conversations.length === 0 ? (
        <Text size="sm" c="dimmed" px="xs" role="status">
          {settled ? `Nothing found for “${settled}”.` : 'Your conversations with this agent will be listed here.'}
        </Text>
      ) : null}
      {conversations.length > 0 ? (
        <ul
          className={classes.conversations}
          aria-label="Conversations"
          aria-busy={list.isPlaceholderData || undefined}
        >
          {conversations.map((conversation) => (
            <ConversationRow
              key={conversation.id}
              conversation={conversation}
              isCurrent={conversation.id === conversationId}
              onChosen={onChosen}
              onDelete={() => setDoomed(conversation)}
            />
          ))}
          {list.hasNextPage ? (
            <li ref={end}>
              <Button
                size="compact-sm"
                variant="subtle"
                color="gray"
                fullWidth
                loading={list.isFetchingNextPage}
                onClick={() => void list.fetchNextPage()}
              >
                Show more
              </Button>
            </li>
          ) : null}
        </ul>
      ) : null}
      <DeleteConversation
        conversation={doomed}
        isCurrent={doomed?.id === conversationId}
        onClose={() => setDoomed(null)}
      />
    </>
  );
}
