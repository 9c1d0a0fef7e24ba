import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '#kernel/config';
import { backupFolder, openDatabase } from '#kernel/db';
import { makeTestFolder, silentLog } from '../testing/test-cluster.ts';
import { migrationSources } from '../migration-sources.ts';
import { runBackup, runRestore, runVerify } from './backup.ts';

test(
  '[K10.5] an installation is backed up while its server runs, verified, and restored once that has stopped',
  { timeout: 120_000 },
  async () => {
    const folder = makeTestFolder();
    chmodSync(folder, 0o711);
    const { config } = loadConfig({ DATA_DIR: join(folder, 'data') });
    const lines: string[] = [];
    const command = { config, print: (line: string) => void lines.push(line) };
    const db = await openDatabase({ config, log: silentLog, migrations: migrationSources });
    try {
      await runBackup(command);
      expect(lines.join('\n')).toMatch(
        /Backed up \d+ rows of \d+ tables[\s\S]*restored into a scratch database, row for row/,
      );
      const path = join(backupFolder(config), readdirSync(backupFolder(config))[0] ?? '');
      await runVerify(command, path);
      expect(lines.at(-1)).toMatch(/is whole: \d+ rows/);
      await expect(runRestore(command, path, true)).rejects.toMatchObject({ code: 'ALREADY_RUNNING' });
      await db.close();
      await expect(runRestore(command, path, false)).rejects.toThrow('not empty');
      await runRestore(command, path, true);
      expect(lines.at(-1)).toMatch(/^Restored \d+ rows/);
    } finally {
      await db.close();
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

test(
  '[K10.5] a folder without an installation, as a wrong DATA_DIR is, gives an error and no empty backup',
  { timeout: 120_000 },
  async () => {
    const folder = makeTestFolder();
    chmodSync(folder, 0o711);
    const { config } = loadConfig({ DATA_DIR: join(folder, 'data') });
    const lines: string[] = [];
    try {
      await expect(runBackup({ config, print: (line) => void lines.push(line) })).rejects.toThrow(
        /holds no data of Bulkhead: there is nothing to back up/,
      );
      expect([lines, readdirSync(backupFolder(config))]).toEqual([[], []]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);
