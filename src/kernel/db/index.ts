/** The door of the database. */
export type { Database, Statement, SystemReason, TenantScope, Tx } from './types.ts';
export { openDatabase } from './open-database.ts';
export type { OpenDatabaseOptions } from './open-database.ts';
export { DatabaseStartError, isConnectionError } from './errors.ts';
export type { DatabaseStartCode } from './errors.ts';
export type { MigrationSource } from './migration-files.ts';
