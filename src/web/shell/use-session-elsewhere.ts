/** useSessionElsewhere notices that the person has signed in again in another tab, so that this one need not ask. */
import { useEffect, useEffectEvent } from 'react';
import { authApi, useSession, type Session } from '../session.ts';

/** While `isLost`, it looks whenever the person comes back to this tab. Somebody else's session is not taken: the page is not theirs. */
export function useSessionElsewhere(isLost: boolean, onBack: (session: Session) => void): void {
  const { user } = useSession();
  const take = useEffectEvent((session: Session | null) => {
    if (session?.user.id === user.id) onBack(session);
  });
  useEffect(() => {
    if (!isLost) return undefined;
    let isOver = false;
    const look = async () => {
      if (document.hidden) return;
      const session = await authApi('GET /session').catch(() => null); // it is still lost, or nothing answers
      if (!isOver) take(session);
    };
    const notice = () => void look();
    addEventListener('focus', notice);
    document.addEventListener('visibilitychange', notice);
    return () => {
      isOver = true;
      removeEventListener('focus', notice);
      document.removeEventListener('visibilitychange', notice);
    };
  }, [isLost]);
}
