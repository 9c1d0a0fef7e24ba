import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { migrationSources } from './migration-sources.ts';

test('[K10.2] every folder of migrations in the sources is in the list that is applied', () => {
  const root = fileURLToPath(new URL('.', import.meta.url));
  const onDisk = globSync('{kernel,apps}/*/migrations', { cwd: root }).map((folder) => `${root}${folder}/`);
  expect(migrationSources.map((source) => fileURLToPath(source.directory)).sort()).toEqual(onDisk.sort());
});
