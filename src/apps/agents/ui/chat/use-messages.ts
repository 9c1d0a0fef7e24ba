/**
 * The messages of a conversation as one list in order of time. It is the only truth of the chat: an answer that is being
 * written stands in it as `streaming` with its run, so sending, a reload and a second tab all show it the same way.
 */
import { useInfiniteQuery, useQueryClient, type InfiniteData, type QueryClient } from '@tanstack/react-query';
import { useMemo } from 'react';
import { keyOf, pagesOf, queryOf } from '#web/api-hooks.ts';
import { asProblem } from '#web/api.ts';
import { agentsApi, type Conversation, type Message, type Turn } from '../agents-api.ts';
import { tellOtherTabs } from './tabs-in-step.ts';

type Page = { readonly items: readonly Message[]; readonly nextCursor: string | null };
type Pages = InfiniteData<Page, string | undefined>;

const retryMilliseconds = 3_000;

function messagesQuery(conversationId: string) {
  return pagesOf(agentsApi, 'GET /conversations/{conversationId}/messages', { params: { conversationId } });
}

/** conversationQuery reads one conversation: its title, mostly. */
export function conversationQuery(conversationId: string) {
  return queryOf(agentsApi, 'GET /conversations/{conversationId}', { params: { conversationId } });
}

/** useMessages reads the newest page first; `fetchNextPage` goes back in time. '' is a conversation not begun. */
export function useMessages(conversationId: string) {
  const query = useInfiniteQuery({
    ...messagesQuery(conversationId),
    enabled: conversationId !== '',
    refetchOnWindowFocus: 'always', // another device may have gone on
    refetchOnReconnect: 'always',
    // An answer that is done but could not be fetched is asked for until it can.
    refetchInterval: ({ state }) =>
      state.data && state.error && asProblem(state.error).isRetryable ? retryMilliseconds : false,
  });
  const messages = useMemo(() => query.data?.pages.toReversed().flatMap((page) => page.items) ?? [], [query.data]);
  return { ...query, messages, problem: query.error && asProblem(query.error) };
}

/** useConversationChanges are the ways in which a tab brings its lists up to date, and tells the others. */
export function useConversationChanges() {
  const queryClient = useQueryClient();
  return useMemo(() => changesOf(queryClient), [queryClient]);
}

function changesOf(queryClient: QueryClient) {
  const refreshHere = (conversationId: string) => {
    void queryClient.invalidateQueries({ queryKey: messagesQuery(conversationId).queryKey });
    void queryClient.invalidateQueries({ queryKey: conversationQuery(conversationId).queryKey });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /conversations') });
  };
  const refresh = (conversationId: string) => {
    refreshHere(conversationId);
    tellOtherTabs(conversationId);
  };
  return {
    refreshHere,
    refresh,
    /** accept shows an accepted turn at once: the question and the answer that is to come. */
    accept(conversationId: string, turn: Turn) {
      queryClient.setQueryData<Pages>(messagesQuery(conversationId).queryKey, (pages) => withTurn(pages, turn));
      void queryClient.invalidateQueries({ queryKey: conversationQuery(conversationId).queryKey });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /conversations') });
      tellOtherTabs(conversationId);
    },
    rename(conversation: Conversation) {
      queryClient.setQueryData(conversationQuery(conversation.id).queryKey, conversation);
      refresh(conversation.id);
    },
    forget(conversationId: string) {
      queryClient.removeQueries({ queryKey: messagesQuery(conversationId).queryKey });
      queryClient.removeQueries({ queryKey: conversationQuery(conversationId).queryKey });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /conversations') });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /agents') });
      tellOtherTabs(conversationId);
    },
  };
}

/** withTurn puts question and answer at the end of the newest page; whatever stood after the question gives way. */
function withTurn(pages: Pages | undefined, turn: Turn): Pages {
  const newest = pages?.pages[0] ?? { items: [], nextCursor: null };
  const at = newest.items.findIndex(({ id }) => id === turn.message.id);
  const before = at === -1 ? newest.items : newest.items.slice(0, at);
  const page = { ...newest, items: [...before, turn.message, turn.answer] };
  return pages ? { ...pages, pages: [page, ...pages.pages.slice(1)] } : { pages: [page], pageParams: [undefined] };
}
