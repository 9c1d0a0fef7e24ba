/** defineApp is the one file through which an application plugs into the kernel. */
import type { AppDefinition } from './types.ts';

export function defineApp<const Id extends string>(app: AppDefinition<Id>): AppDefinition<Id> {
  for (const name of Object.keys(app.permissions)) {
    if (!name.startsWith(`${app.id}.`)) throw new Error(`permission ${name} must start with ${app.id}.`);
  }
  return app;
}
