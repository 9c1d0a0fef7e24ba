import { IconHome } from '@tabler/icons-react';
import { expect, test } from 'vitest';
import { matchEntries } from './match-entries.ts';

const entry = (label: string, more: { description?: string; keywords?: string } = {}) => ({
  id: label,
  label,
  icon: IconHome,
  to: '/',
  ...more,
});
const entries = [
  entry('Usage', { keywords: 'cost money budget' }),
  entry('Light appearance'),
  entry('Security', { description: 'How you sign in' }),
  entry('Sign out'),
  entry('Design sign'),
];
const found = (query: string) => matchEntries(entries, query).map(({ label }) => label);

test('[K17.5] the palette puts what begins with the words first, then names, then descriptions and other words', () => {
  expect(found('sign')).toEqual(['Sign out', 'Design sign', 'Security']);
  expect(found('BUDGET')).toEqual(['Usage']);
});

test('[K17.5] every word has to be there, in any order, and no words find everything', () => {
  expect(found('out sign')).toEqual(['Sign out']);
  expect(found('sign nowhere')).toEqual([]);
  expect(found('  ')).toHaveLength(entries.length);
});
