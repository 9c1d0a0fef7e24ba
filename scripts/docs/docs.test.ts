/** The generated pages say what the code says. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { defineErrors, listErrorTables } from '#kernel/errors';
import { runTool, root } from '../checks/run-tool.ts';
import { findRequirementIds, readTestedIds, renderCoveragePage } from './coverage-page.ts';
import { renderErrorsPage } from './errors-page.ts';

test('[K1.1] [K6.1] .env.example, the pages of settings, errors and operations are what the code says', async () => {
  const { output, code } = await runTool('scripts/docs.ts', [
    '--check',
    'environment',
    'configuration',
    'errors',
    'api',
  ]);
  expect(output.trim()).toBe('');
  expect(code).toBe(0);
}, 180_000);

test('[Q2] the ids of a test name are found, alone and in lists, and other brackets are not taken for ids', () => {
  const id = (text: string) => `[${text}]`;
  const source = `test('${id('K12.3')} x'); test('${id('K1.1, Q2')} y'); values[0]; ${id('A1b')} ${id('key')}`;
  expect(findRequirementIds(source)).toEqual(['K1.1', 'K12.3', 'Q2']);
});

test('[Q2] a promise without a test is named, and an id nobody promised is an error', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bulkhead-docs-'));
  try {
    mkdirSync(join(folder, 'src'));
    writeFileSync(join(folder, 'src', 'a.test.ts'), ['test("[K1.1', '] works");'].join(''));
    const promises = { 'K1.1': 'One', 'K1.2': 'Two' };
    const page = renderCoveragePage(promises, readTestedIds(folder, ['src'], promises));
    expect(page).toContain('**1 of 2** promises have a test. Without one: K1.2.');
    expect(page).toContain('| K1.1 | One | `src/a.test.ts` |');
    expect(() => readTestedIds(folder, ['src'], { 'K1.2': 'Two' })).toThrow(
      'src/a.test.ts: there is no requirement K1.1',
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('[K6.1] every declared code has an anchor on the page, which is where a problem points', () => {
  defineErrors('docs-test', { DOCS_TEST_BROKE: { status: 418, public: 'A | broke.', isRetryable: true } });
  expect(renderErrorsPage(listErrorTables())).toContain(
    String.raw`| <a id="DOCS_TEST_BROKE"></a>${'`DOCS_TEST_BROKE`'} | 418 | yes | A \| broke. |`,
  );
});

test('[Q5] every link between the documents leads somewhere', () => {
  const documents = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'AGENTS.md', 'SECURITY.md', 'CHANGELOG.md'];
  const broken = documents.flatMap((document) => {
    const text = readFileSync(join(root, document), 'utf8');
    const links = Array.from(text.matchAll(/\]\((?!https?:|#|mailto:)([^)#]+)/g), ([, link = '']) => link);
    return links.filter((link) => !existsSync(join(root, link))).map((link) => `${document}: ${link}`);
  });
  expect(broken).toEqual([]);
});
