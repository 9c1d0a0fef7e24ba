/** What the audit trail calls an act is declared once, in words for people, and every act that the code records has such words. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { apps } from '../../apps.ts';
import { listAuditActions } from '../../modules.ts';

const declared = listAuditActions(apps);
const labels = Object.assign({}, ...declared) as Record<string, string>;

/** Where an act is recorded it is named `action: '…'`, or handed to a function that records. */
const recorded =
  /\baction: '([^']+)'|\baction: \w+ \? '([^']+)' : '([^']+)'|\b(?:auditForPerson|auditFamily|endAndAudit|recordOwn|settle|recordVisitStep|record|audit)\([^;'`]*'([a-z-]+(?:\.[a-z-]+)+)'/g;

function readSources(): string[] {
  const source = join(import.meta.dirname, '../..');
  return readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => /^(?:kernel|apps|cli)\/.*\.ts$/.test(name.replaceAll('\\', '/')) && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(join(source, name), 'utf8'));
}

test('[K7.2] every act that the code records has a label, and no two modules declare the same act', () => {
  const found = readSources().flatMap((text) =>
    [...text.matchAll(recorded)].flatMap((match) => match.slice(1).filter((id) => id?.includes('.'))),
  );
  expect(found.length).toBeGreaterThan(80);
  expect([...new Set(found)].filter((action) => !Object.hasOwn(labels, action))).toEqual([]);
  expect(Object.keys(labels)).toHaveLength(declared.reduce((sum, actions) => sum + Object.keys(actions).length, 0));
});

test('[K7.2] labels are short, begin with a capital and are told apart', () => {
  for (const [action, label] of Object.entries(labels)) expect(label, action).toMatch(/^[A-Z][^.]{2,60}$/);
  expect(new Set(Object.values(labels)).size).toBe(Object.keys(labels).length);
});
