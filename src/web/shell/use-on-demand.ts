/** A part of the shell that comes after the page, or at the first sign that somebody wants it: nobody waits for it before. */
import { notifications } from '@mantine/notifications';
import type { ComponentType } from 'react';
import { useEffect, useEffectEvent, useState } from 'react';
import { fetchStyled } from './page-problem.ts';
import { useQuiet } from './use-quiet.ts';

export interface OnDemand<P> {
  /** Null until it is wanted and there. */
  readonly Part: ComponentType<P> | null;
  /** Fetches it without showing it: the pointer is near. */
  readonly prepare: () => void;
  /** Shows it as soon as it is there. Asked again after a failure, it is tried again. */
  readonly want: () => void;
}

/** useOnDemand takes an `import()` of a module whose default export is the part. */
export function useOnDemand<P>(load: () => Promise<{ readonly default: ComponentType<P> }>): OnDemand<P> {
  const [part, setPart] = useState<{ readonly Part: ComponentType<P> } | null>(null);
  const isQuiet = useQuiet();
  const prepare = () => void fetchStyled(load).catch(() => undefined); // wanted, it says what went wrong
  const prepareEarly = useEffectEvent(prepare);
  useEffect(() => {
    if (isQuiet) prepareEarly();
  }, [isQuiet]);
  const want = () => {
    if (part) return;
    fetchStyled(load).then(
      (module) => setPart({ Part: module.default }),
      () => notifications.show({ color: 'red', message: 'This could not be fetched. Reload the page and try again.' }),
    );
  };
  return { Part: part?.Part ?? null, prepare, want };
}
