/** What nobody waits for begins once the page one came for is there: it would take the connection from what that page asks. */
import { useEffect, useState } from 'react';
import { queryClient } from './query-client.ts';

/** However long a page goes on asking, the rest begins after this. */
const patienceMilliseconds = 3_000;
const lookMilliseconds = 100;

/** whenQuiet calls back once, when the page has what it asked for; the returned function takes that back. */
function whenQuiet(work: () => void): () => void {
  const latest = performance.now() + patienceMilliseconds;
  let timer = setTimeout(function look() {
    if (queryClient.isFetching() > 0 && performance.now() < latest) timer = setTimeout(look, lookMilliseconds);
    else work();
  }, lookMilliseconds);
  return () => clearTimeout(timer);
}

let isQuiet = false;

/** useQuiet is false while the first page of this load is on its way, and true from then on. */
export function useQuiet(): boolean {
  const [isTime, setTime] = useState(isQuiet);
  useEffect(() => {
    if (isTime) return undefined;
    return whenQuiet(() => {
      isQuiet = true;
      setTime(true);
    });
  }, [isTime]);
  return isTime;
}
