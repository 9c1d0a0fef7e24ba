/**
 * `npm run docs` writes every generated page; `npm run docs -- --check` writes nothing, prints the pages that differ from
 * what would be written, and prints nothing when all are true. Names select pages: `npm run docs -- coverage`.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { renderConfigurationPage, renderEnvExample } from '#kernel/config';
import { renderSchemaPage } from '#kernel/db';
import { listErrorTables } from '#kernel/errors';
import { renderApiPage } from './docs/api-page.ts';
import { readTestedIds, renderCoveragePage, type Requirements } from './docs/coverage-page.ts';
import { renderErrorsPage } from './docs/errors-page.ts';

const root = join(import.meta.dirname, '..');

async function renderErrors(): Promise<string> {
  // Loading the modules declares their errors.
  await Promise.all([import('../src/compose.ts'), import('../src/apps.ts')]);
  return renderErrorsPage(listErrorTables());
}

async function renderApi(): Promise<string> {
  const [{ kernelModules }, { apps }] = await Promise.all([import('../src/modules.ts'), import('../src/apps.ts')]);
  return renderApiPage([['Kernel', kernelModules.routes], ...apps.map((app) => [app.title, app.routes] as const)]);
}

function renderCoverage(): string {
  const requirements = JSON.parse(readFileSync(join(root, 'docs/reference/requirements.json'), 'utf8')) as Requirements;
  const folders = ['src', 'scripts', 'lint', 'e2e', 'bench', 'prove'].filter((folder) =>
    existsSync(join(root, folder)),
  );
  return renderCoveragePage(requirements, readTestedIds(root, folders, requirements));
}

async function renderSchema(): Promise<string> {
  const { createTestDatabase } = await import('../src/testing/database.ts');
  await using database = await createTestDatabase({ kind: 'embedded' });
  return database.db.withSystem('the page of tables', (tx) => renderSchemaPage(tx));
}

const pages: Readonly<Record<string, { path: string; render: () => string | Promise<string> }>> = {
  environment: { path: '.env.example', render: renderEnvExample },
  configuration: { path: 'docs/reference/configuration.md', render: renderConfigurationPage },
  errors: { path: 'docs/reference/errors.md', render: renderErrors },
  api: { path: 'docs/reference/api.md', render: renderApi },
  coverage: { path: 'docs/reference/coverage.md', render: renderCoverage },
  schema: { path: 'docs/reference/schema.md', render: renderSchema },
};

async function main(args: readonly string[]): Promise<number> {
  const isCheck = args.includes('--check');
  const names = args.filter((arg) => !arg.startsWith('-'));
  let stale = 0;
  for (const [name, { path, render }] of Object.entries(pages)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const text = await render();
    const target = join(root, path);
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    stale += 1;
    if (isCheck) {
      console.log(`${path} is not what the code says: run \`npm run docs\``);
      continue;
    }
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    console.log(`${path} written`);
  }
  return isCheck && stale > 0 ? 1 : 0;
}

// Imported modules may hold timers and pools; the pages are written.
process.exit(await main(process.argv.slice(2)));
