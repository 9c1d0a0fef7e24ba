/**
 * Remembers resolved cookies, keys and tokens for a few seconds. Dropping wins over remembering: what was read before a drop is never
 * put in after it, so that a revoked session cannot come back from a query that was under way.
 */
import type { Principal } from './principal.ts';

/** CacheEntry is what a credential stood for when it was read. */
export interface CacheEntry {
  readonly principal: Principal;
  /** What it was read from, `session:<id>`, `key:<id>` or `family:<id>`: dropped by this name, or by its `user:<id>`. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly until: number;
  /** Throws when the credential does not count from this address; asked at each use. */
  readonly admit?: (address: string | undefined) => void;
}

export interface SessionCache {
  /** Returns the remembered principal, else loads it once for all who ask meanwhile; it is kept `until` then. */
  resolve(key: string, load: () => Promise<CacheEntry | null>, address?: string): Promise<Principal | null>;
  /** Forgets `session:<id>`, `key:<id>`, `family:<id>`, `user:<id>`, or everything. */
  drop(subject?: string): void;
  readonly size: number;
}

function admitted({ principal, admit }: CacheEntry, address: string | undefined): Principal {
  admit?.(address);
  return principal;
}

/** createSessionCache keeps at most `maxEntries`, the oldest leaving first. */
export function createSessionCache(now: () => number, maxEntries = 10_000): SessionCache {
  const entries = new Map<string, CacheEntry>();
  const loading = new Map<string, Promise<CacheEntry | null>>();
  let drops = 0;

  async function loadAndKeep(key: string, load: () => Promise<CacheEntry | null>): Promise<CacheEntry | null> {
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
    async resolve(key, load, address) {
      const known = entries.get(key);
      if (known) {
        if (known.until > now()) return admitted(known, address);
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
      return entry && admitted(entry, address);
    },
    drop(subject) {
      drops += 1;
      loading.clear(); // whoever asks from now on reads anew
      if (subject === undefined) entries.clear();
      for (const [key, entry] of entries) {
        if (subject === entry.subject || subject === `user:${entry.principal.userId}`) entries.delete(key);
      }
    },
    get size() {
      return entries.size;
    },
  };
}
