/** useKeptPush has a browser that was told before go on being told after its person signed in anew. */
import { useEffect } from 'react';
import { useSession } from '../session.ts';

/** Long enough for the page one came for to be there. */
const quietMilliseconds = 4_000;

export function useKeptPush(): void {
  const { user } = useSession();
  useEffect(() => {
    const timer = setTimeout(() => {
      // Whatever fails here is seen, and mended, on the page of settings.
      void import('../push.ts').then(({ keepPush }) => keepPush(user.id)).catch(() => undefined);
    }, quietMilliseconds);
    return () => clearTimeout(timer);
  }, [user.id]);
}
