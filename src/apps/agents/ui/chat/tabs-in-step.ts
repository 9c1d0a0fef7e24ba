/** Tabs of one browser tell each other which conversation has changed, so that both show the same. */
import { useEffect } from 'react';

const channelName = 'bulkhead.agents.conversations';

/** A channel does not hear itself, so that speaking and listening share one. */
const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel(channelName);

/** tellOtherTabs says that `conversationId` has changed on the server. */
export function tellOtherTabs(conversationId: string): void {
  channel?.postMessage(conversationId);
}

/** useOtherTabs calls `onChanged` when another tab has changed a conversation. */
export function useOtherTabs(onChanged: (conversationId: string) => void): void {
  useEffect(() => {
    const listen = (event: MessageEvent) => onChanged(String(event.data));
    channel?.addEventListener('message', listen);
    return () => channel?.removeEventListener('message', listen);
  }, [onChanged]);
}
