/** The door of the database. */
export type { Database, Instant, Statement, SystemReason, TenantScope, Tx } from './types.ts';
export { backupFolder, openDatabase } from './open-database.ts';
export type { OpenDatabaseOptions } from './open-database.ts';
export { DatabaseStartError, isConnectionError } from './errors.ts';
export type { DatabaseStartCode } from './errors.ts';
export type { MigrationSource } from './migration-files.ts';
export { createBackup } from './backup/create-backup.ts';
export type { BackupOptions, BackupSummary } from './backup/create-backup.ts';
export { restoreBackup } from './backup/restore-backup.ts';
export type { RestoreOptions } from './backup/restore-backup.ts';
export { verifyBackup } from './backup/verify-backup.ts';
export type { VerifyOptions, VerifyResult } from './backup/verify-backup.ts';
export { renderSchemaPage } from './render-schema-page.ts';
export { openForMaintenance, visitDatabase } from './maintenance.ts';
export type { Maintenance, MaintenanceOptions, VisitOptions } from './maintenance.ts';
