/** Whether the window is as narrow as a phone: what only the other layout shows is not even made. */
import { useSyncExternalStore } from 'react';

/** The same width at which the style sheet changes the layout (`$mantine-breakpoint-sm`). */
const query = '(max-width: 48em)';

function subscribe(listener: () => void): () => void {
  const media = matchMedia(query);
  media.addEventListener('change', listener);
  return () => media.removeEventListener('change', listener);
}

export function useIsNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
