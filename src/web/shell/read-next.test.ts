import { expect, test } from 'vitest';
import { readNext } from './read-next.ts';

test('an address of this app is kept whole', () => {
  expect(readNext('/agents/1?tab=chat#end')).toBe('/agents/1?tab=chat#end');
});

test.each([
  'https://evil.example/',
  '//evil.example',
  '/\\evil.example',
  '\\\\evil.example',
  'javascript:alert(1)',
  '/\t/evil.example',
  '/.//evil.example',
  '/x/..//evil.example',
  'agents',
  '',
  7,
  null,
  undefined,
])('[K8.1] %j does not lead to another site after signing in', (value) => {
  expect(new URL(readNext(value), 'https://here.example').origin).toBe('https://here.example');
  expect(readNext(value)).toBe('/');
});

test('signing in does not lead back to signing in', () => {
  expect(readNext('/sign-in?next=/x')).toBe('/');
  expect(readNext('/setup#token=secret')).toBe('/');
});
