/** Rights gathers what kernel and applications say of their data, and does what is due by time. */
import type { AppDefinition, Services } from '#kernel/app';
import type { Role } from '#kernel/auth';
import type { Workflow } from '#kernel/jobs';
import { kernelDataMap } from './data-map.ts';
import { carryOutErasures } from './erase/erasure-requests.ts';
import { reapplyErasures } from './erase/erased-list.ts';
import { sweepLateRows } from './erase/sweep-late-rows.ts';
import { exportWorkflow, type ExportInput } from './export/run-export.ts';
import { importWorkflow, type ImportInput } from './import/run-import.ts';
import { applyRetention } from './retention/apply-retention.ts';
import { restartWaiting, settleEnded, sweepExports, sweepUploads } from './export/sweep-exports.ts';
import type { DataMap, PortableSet, RetentionKind } from './types.ts';

/** Rights is what this installation knows of people's data. */
export interface Rights {
  readonly map: DataMap;
  readonly portable: readonly PortableSet[];
  /** Whether a role may bring things of this kind into its organisation. */
  mayBringIn(role: Role, set: PortableSet): boolean;
  readonly retention: readonly RetentionKind[];
  readonly exportWorkflow: Workflow<ExportInput>;
  readonly importWorkflow: Workflow<ImportInput>;
  /** Erases what is due, and what came after an erasure; returns how many people and organisations. */
  erase(services: Services): Promise<number>;
  /** Finds who was erased before and is back, out of a restored backup, and makes their erasure due. For every start. */
  reapplyErasures(services: Services): Promise<number>;
  /** Deletes copies that ended, and data older than its retention. */
  sweep(services: Services): Promise<void>;
}

/** createRights merges the maps. Throws when two note the same table. */
export function createRights(
  apps: readonly Pick<AppDefinition, 'id' | 'dataMap' | 'policy' | 'portable' | 'retention'>[],
  kernelRetention: readonly RetentionKind[] = [],
): Rights {
  const map: Record<string, DataMap[string]> = { ...kernelDataMap };
  for (const { id, dataMap = {} } of apps) {
    for (const [table, note] of Object.entries(dataMap)) {
      if (table in map) throw new Error(`the table ${table} is noted twice, the second time by ${id}`);
      map[table] = note;
    }
  }
  const rights: Rights = {
    map,
    portable: apps.flatMap((app) => app.portable ?? []),
    mayBringIn: (role, set) => apps.some(({ policy }) => policy[role].includes(set.permission)),
    retention: [...kernelRetention, ...apps.flatMap((app) => app.retention ?? [])],
    exportWorkflow: exportWorkflow(() => rights),
    importWorkflow: importWorkflow(() => rights),
    async erase(services) {
      const erased = await carryOutErasures(services, map);
      await sweepLateRows(services);
      return erased;
    },
    reapplyErasures,
    async sweep(services) {
      await sweepExports(services);
      await sweepUploads(services);
      await restartWaiting(services, rights);
      await settleEnded(services);
      await applyRetention(services, rights.retention);
    },
  };
  return rights;
}
