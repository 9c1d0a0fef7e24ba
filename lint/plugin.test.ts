/** Each house rule refuses what it is for and nothing else: fixtures mark the lines that must be refused. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import plugin from './plugin.ts';
import { openingSentence } from './rules/opening-sentence.ts';

const root = join(import.meta.dirname, '..');
const fixtures = join(root, 'lint', 'fixtures');
const folder = mkdtempSync(join(tmpdir(), 'bulkhead-lint-'));

interface Diagnostic {
  readonly code: string;
  readonly filename: string;
  readonly labels: readonly { readonly span: { readonly line: number } }[];
}

const reported = new Map<string, string[]>();

beforeAll(async () => {
  const rules = Object.keys(plugin.rules).map((name) => [`house/${name}`, 'error']);
  const config = { jsPlugins: [join(root, 'lint', 'plugin.ts')], categories: {}, rules: Object.fromEntries(rules) };
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(config));
  const args = [
    join(root, 'node_modules/oxlint/bin/oxlint'),
    '-c',
    join(folder, 'rules.json'),
    '-A',
    'all',
    '--format',
    'json',
  ];
  // Linting files with problems ends with exit code 1, which is what this test is about.
  const run = promisify(execFile)(process.execPath, [...args, 'lint/fixtures'], { cwd: root });
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: readonly Diagnostic[] };
  for (const { code, filename, labels } of diagnostics) {
    const line = `${labels[0]?.span.line}: ${code.replace(/^(.+)\((.+)\)$/, '$1/$2')}`;
    reported.set(filename, [...(reported.get(filename) ?? []), line]);
  }
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const files = readdirSync(fixtures, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

function markedLines(name: string): string[] {
  const lines = readFileSync(join(fixtures, name), 'utf8').split('\n');
  return lines.flatMap((line, index) => {
    const rule = /\/\/ refused: (\S+)$/.exec(line)?.[1];
    return rule ? [`${index + 1}: ${rule}`] : [];
  });
}

describe('house rules', () => {
  test.each(files)('[Q4] %s: exactly the marked lines are refused', (name) => {
    const found = reported.get(join('lint/fixtures', name).replaceAll('\\', '/')) ?? [];
    expect(found.toSorted()).toEqual(markedLines(name).toSorted());
  });

  test('[Q4] every rule has a fixture that fails', () => {
    const covered = new Set(files.flatMap(markedLines).map((line) => line.split('/').at(-1) ?? ''));
    expect([...covered].toSorted()).toEqual(Object.keys(plugin.rules).toSorted());
  });

  test.each([
    ['/** Keeps every promise. */\nexport {};', 0],
    ['#!/usr/bin/env node\n// Keeps every promise.\nexport {};', 0],
    ['/**\n * Keeps every\n * promise.\n */', 0],
    ['import "x";', 1],
    ['/** Helpers. */', 1],
    ['', 1],
  ])('[Q4] a file opens with a sentence: %j', (text, problems) => {
    let count = 0;
    const visitors = openingSentence.create({
      filename: '/repo/src/x.ts',
      cwd: '/repo',
      sourceCode: { text },
      report: () => (count += 1),
    });
    visitors['Program']?.({ type: 'Program' });
    expect(count).toBe(problems);
  });
});
