/** The explicit list of what has migrations, in the order they are applied. */
import type { MigrationSource } from '#kernel/db';

/** migrationSources lists each module's folder of SQL files; a module may rely on those above it. */
export const migrationSources: readonly MigrationSource[] = [
  { module: 'db', directory: new URL('./kernel/db/migrations/', import.meta.url) },
];
