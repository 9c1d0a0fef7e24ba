/** What `bulkhead config` and the generated pages show. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  describeConfig,
  loadConfig,
  readEmbeddedSecrets,
  renderConfigurationPage,
  renderEnvExample,
  settings,
} from './index.ts';

const find = (environment: Record<string, string>) => {
  const rows = describeConfig(loadConfig(environment));
  return Object.fromEntries(rows.map(({ name, value, source }) => [name, `${value} from ${source}`]));
};

test('[K1.4] every setting is shown with its value and its origin', () => {
  const rows = find({ PORT: '8080', LIMITS: 'agents.chat=1/2', TRUSTED_PROXIES: '10.0.0.0/8,::1' });
  expect(Object.keys(rows)).toEqual(Object.keys(settings));
  expect(rows).toMatchObject({
    PORT: '8080 from environment',
    HOST: '127.0.0.1 from default',
    LIMITS: 'agents.chat=1/2 from environment',
    TRUSTED_PROXIES: '10.0.0.0/8,::1 from environment',
    CORS_ORIGINS: '(none) from default',
    PUBLIC_URL: '(not set) from default',
  });
});

test('[K1.4] secrets are masked, and so are passwords and parameters inside URLs', () => {
  const key = readFixedKey();
  const rows = find({
    DATABASE_URL: 'postgres://owner:hunter2@db:5432/bulkhead?password=hunter2',
    REDIS_URL: 'redis://:hunter2@cache:6379/0',
    MASTER_KEY: key,
    AUTH_SECRET: key,
    METRICS_TOKEN: 'hunter2',
  });
  expect(rows['DATABASE_URL']).toBe('postgres://owner:********@db:5432/bulkhead from environment');
  expect(rows['MASTER_KEY']).toBe('******** from environment');
  expect(JSON.stringify(rows)).not.toMatch(/hunter2/);
  expect(JSON.stringify(rows)).not.toContain(key);
});

test('[K1.4] embedded mode says that its secrets come from the data folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-config-'));
  try {
    expect(find({ DATA_DIR: folder })['MASTER_KEY']).toBe('(made at the first start) from data folder');
    readEmbeddedSecrets(folder);
    expect(find({ DATA_DIR: folder })['MASTER_KEY']).toBe('******** from data folder');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('[K1.1] the example file and the page name every setting, and the example changes nothing', () => {
  const example = renderEnvExample();
  const page = renderConfigurationPage();
  for (const name of Object.keys(settings)) {
    expect(example).toContain(`\n#${name}=`);
    expect(page).toContain(`| \`${name}\` |`);
  }
  expect(example.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([]);
});

function readFixedKey(): string {
  return Buffer.from('9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08', 'hex').toString('base64');
}
