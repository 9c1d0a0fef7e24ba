/**
 * Remembers resolved cookies for a few seconds. Dropping wins over remembering: what was read before a drop is never
 * put in after it, so that a revoked session cannot come back from a query that was under way.
 */
import type { Principal } from './principal.ts';

interface Entry {
  readonly principal: Principal;
  readonly sessionId: string;
  /** Milliseconds since 1970. */
  readonly until: number;
}

export interface SessionCache {
  /** Returns the remembered principal, else loads it once for all who ask meanwhile; it is kept `until` then. */
  resolve(key: string, load: () => Promise<Entry | null>): Promise<Principal | null>;
  /** Forgets `session:<id>`, `user:<id>`, or everything. */
  drop(subject?: string): void;
  readonly size: number;
}

/** createSessionCache keeps at most `maxEntries`, the oldest leaving first. */
export function createSessionCache(now: () => number, maxEntries = 10_000): SessionCache {
  const entries = new Map<string, Entry>();
  const loading = new Map<string, Promise<Entry | null>>();
  let drops = 0;

  async function loadAndKeep(key: string, load: () => Promise<Entry | null>): Promise<Entry | null> {
    const dropsBefore = drops;
    const entry = await load();
    if (entry && dropsBefore === drops) {
      entries.delete(key); // to the young end
      entries.set(key, entry);
      const [oldest] = entries.keys();
      if (entries.size > maxEntries && oldest !== undefined) entries.delete(oldest);
    }
    return entry;
  }

  return {
    async resolve(key, load) {
      const known = entries.get(key);
      if (known) {
        if (known.until > now()) return known.principal;
        entries.delete(key);
      }
      let pending = loading.get(key);
      if (!pending) {
        pending = loadAndKeep(key, load).finally(() => {
          if (loading.get(key) === pending) loading.delete(key);
        });
        loading.set(key, pending);
      }
      const entry = await pending;
      return entry?.principal ?? null;
    },
    drop(subject) {
      drops += 1;
      loading.clear(); // whoever asks from now on reads anew
      if (subject === undefined) entries.clear();
      for (const [key, entry] of entries) {
        if (subject === `session:${entry.sessionId}` || subject === `user:${entry.principal.userId}`)
          entries.delete(key);
      }
    },
    get size() {
      return entries.size;
    },
  };
}
