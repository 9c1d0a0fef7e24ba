/** useUnread counts unread notifications: asked for now and then while somebody is there, so that an open tab alone keeps no session alive. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { summaryQuery } from '../pages/notifications/notifications-api.ts';
import { useQuiet } from './use-quiet.ts';

const everyMilliseconds = 60_000;
const awayAfterMilliseconds = 10 * 60_000;
const signsOfLife = ['pointerdown', 'keydown', 'wheel', 'touchstart'] as const;

/** When somebody last touched this tab; loading it counts. */
let lastSeenAt = Date.now();
const isSomebodyThere = (): boolean => Date.now() - lastSeenAt <= awayAfterMilliseconds;

/** useUnread returns the count, 0 until it is known. One of those who show it asks again and again. */
export function useUnread({ isAsking }: { readonly isAsking: boolean }): number {
  const queryClient = useQueryClient();
  const isQuiet = useQuiet();
  useEffect(() => {
    if (!isAsking) return undefined;
    const onLife = () => {
      const wasAway = !isSomebodyThere();
      lastSeenAt = Date.now();
      if (wasAway) void queryClient.invalidateQueries({ queryKey: summaryQuery.queryKey });
    };
    for (const sign of signsOfLife) addEventListener(sign, onLife, { passive: true });
    return () => {
      for (const sign of signsOfLife) removeEventListener(sign, onLife);
    };
  }, [isAsking, queryClient]);
  const { data } = useQuery({
    ...summaryQuery,
    staleTime: everyMilliseconds / 2,
    refetchInterval: isAsking ? everyMilliseconds : false,
    refetchOnWindowFocus: isAsking,
    // Nobody there: the last answer will do.
    enabled: () => isQuiet && isSomebodyThere(),
  });
  return data?.unread ?? 0;
}
