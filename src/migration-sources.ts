/** The explicit list of what has migrations, in the order they are applied; free of other imports, so that tools stay light. */
import type { MigrationSource } from '#kernel/db';

const kernelModules = [
  'db',
  'auth',
  'limits',
  'audit',
  'secrets',
  'idempotency',
  'storage',
  'llm',
  'credits',
  'jobs',
  'runs',
  'mail',
  'images',
  'push',
  'notifications',
  'flags',
  'privacy',
  'admin',
];
const apps = ['agents'];

function sourcesIn(folder: string, names: readonly string[]): MigrationSource[] {
  return names.map((module) => ({ module, directory: new URL(`./${folder}/${module}/migrations/`, import.meta.url) }));
}

/** kernelMigrationSources are the kernel's; a module may rely on those before it. */
export const kernelMigrationSources: readonly MigrationSource[] = sourcesIn('kernel', kernelModules);

/** migrationSources are the kernel's, then the applications'. */
export const migrationSources: readonly MigrationSource[] = [...kernelMigrationSources, ...sourcesIn('apps', apps)];
