/** Flags are answered from memory; a change reaches every process at once, and within half a minute if the news is lost. */
import { OpenFeature } from '@openfeature/server-sdk';
import type { Database } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { Logger } from '#kernel/log';
import { createFlagProvider } from './create-flag-provider.ts';
import { evaluate } from './evaluate.ts';
import { flagChannel, readSettings } from './flag-store.ts';
import type { FlagDeclaration, FlagService } from './types.ts';

const rereadMilliseconds = 30_000;

/** createFlagService reads the flags once before it returns. Throws when two are declared under one name. */
export async function createFlagService(options: {
  readonly db: Database;
  readonly log: Logger;
  readonly declared: readonly FlagDeclaration[];
}): Promise<FlagService> {
  const { db, log, declared } = options;
  const byName = new Map(declared.map((flag) => [flag.name, flag]));
  if (byName.size !== declared.length) throw new Error('a feature flag is declared twice');
  let settings = await readSettings(db);
  let isClosed = false;

  async function reread(): Promise<void> {
    if (isClosed) return;
    try {
      settings = await readSettings(db);
    } catch (error) {
      // What was known stays in force; the next half minute tries again.
      if (!isClosed) log.warn({ err: error }, 'the feature flags could not be read');
    }
  }

  const stopListening = await db.listen(flagChannel, () => void reread());
  const timer = setInterval(() => void reread(), rereadMilliseconds).unref();
  const domain = `bulkhead-${newId()}`; // several servers may live in one process
  await OpenFeature.setProviderAndWait(
    domain,
    createFlagProvider(byName, () => settings),
  );
  return {
    declared,
    client: OpenFeature.getClient(domain),
    isOn(name, tenantId) {
      const flag = byName.get(name);
      if (!flag) throw new Error(`the feature flag ${name} is not declared`);
      return evaluate(flag, tenantId, settings).isOn;
    },
    reread,
    async close() {
      isClosed = true;
      clearInterval(timer);
      stopListening();
    },
  };
}
