/** How any fuzz goes through its tries: all operations in turn, some at the same time, looking after those who call. */
import { setTimeout as pause } from 'node:timers/promises';

export type Say = (line: string) => void;

const concurrency = 8;
const checkEvery = 250;

/** mixLists takes one of each list in turn, until the longest has ended. */
export function mixLists<T>(lists: readonly (readonly T[])[]): T[] {
  const rounds = Math.max(...lists.map((list) => list.length));
  return Array.from({ length: rounds }, (_, round) => lists.flatMap((list) => list[round] ?? [])).flat();
}

interface TryAllOptions<T> {
  readonly attempt: (one: T) => Promise<void>;
  /** Called now and then, because tries may cost callers what they call with. */
  readonly lookAfterCallers: () => Promise<void>;
  readonly say: Say;
}

/** tryAll resolves when every try was made; it rejects with what `attempt` throws. */
export async function tryAll<T>(tries: readonly T[], options: TryAllOptions<T>): Promise<void> {
  const { attempt, lookAfterCallers, say } = options;
  let next = 0;
  async function work(): Promise<void> {
    while (next < tries.length) {
      const index = next++;
      if (index % checkEvery === 0) {
        say(`${index} of ${tries.length} requests`);
        await lookAfterCallers();
      }
      await attempt(tries[index] as T);
    }
  }
  await pause(100); // the client notices which connections the server closed while the tries were being made
  await Promise.all(Array.from({ length: concurrency }, work));
}
