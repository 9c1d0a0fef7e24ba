/** DeferredDialogs loads the shell's dialogs once the page stands; a call that needs one has them loaded at once, and waits. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { expectDialogs } from '../api.ts';
import { fetchStyled } from './page-problem.ts';
import { useQuiet } from './use-quiet.ts';

const ShellDialogs = lazy(() => fetchStyled(() => import('./shell-dialogs.tsx')));

export function DeferredDialogs() {
  const isQuiet = useQuiet();
  const [isWanted, setWanted] = useState(false);
  useEffect(() => expectDialogs(() => setWanted(true)), []);
  return isQuiet || isWanted ? (
    <Suspense fallback={null}>
      <ShellDialogs />
    </Suspense>
  ) : null;
}
