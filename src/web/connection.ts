/** Whether the server answers: told by every call, asked again by itself while it does not, so that pages heal alone. */
import { useSyncExternalStore } from 'react';
import type { ApiProblem } from './api-problem.ts';

/** offline: the device has no network; unreachable: nothing answers; starting: something answers that it is not ready. */
export type Connection = 'fine' | 'offline' | 'unreachable' | 'starting';

const listeners = new Set<() => void>();
let state: Connection = 'fine';

function set(next: Connection): void {
  if (next === state) return;
  state = next;
  for (const listener of listeners) listener();
}

/** Answers of a proxy whose server is away, and of a server that is not ready; other 50x are about other servers. */
const awayCodes = new Set(['UNAVAILABLE', 'HTTP_502', 'HTTP_503', 'HTTP_504']);

/** connectionOf tells what a failed call says about the connection. */
export function connectionOf({ status, code }: Pick<ApiProblem, 'status' | 'code'>): Connection {
  if (code === 'UNREACHABLE') return navigator.onLine ? 'unreachable' : 'offline';
  return status >= 502 && awayCodes.has(code) ? 'starting' : 'fine';
}

/** noteAnswer is called after every call; null for one that went well. */
export function noteAnswer(problem: Pick<ApiProblem, 'status' | 'code'> | null): void {
  set(problem === null ? 'fine' : connectionOf(problem));
}

/** useConnection follows it. */
export function useConnection(): Connection {
  return useSyncExternalStore(subscribe, () => state);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

const probeTimeoutMilliseconds = 5_000;

/** probe asks the server for next to nothing; any answer of its own will do. */
export async function probe(): Promise<void> {
  try {
    const signal = AbortSignal.timeout(probeTimeoutMilliseconds);
    const response = await fetch('/api/v1/setup', { signal, cache: 'no-store', credentials: 'omit' });
    noteAnswer(response.status >= 502 ? { status: response.status, code: `HTTP_${response.status}` } : null);
  } catch {
    noteAnswer({ status: 0, code: 'UNREACHABLE' });
  }
}
