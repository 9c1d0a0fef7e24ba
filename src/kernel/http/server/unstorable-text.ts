/** Text that PostgreSQL cannot store is found wherever it stands in a request, so that it is a 400 and never a failure later (K5.1). */
import type { ProblemIssue } from '#kernel/errors';
import { toPointer } from './json-pointer.ts';

function judge(text: string): string | null {
  if (text.includes('\0')) return 'Text must not contain the character NUL (U+0000).';
  return text.isWellFormed() ? null : 'Text must not contain half a surrogate pair: it is not Unicode.';
}

/**
 * findUnstorableText lists the strings, names of fields included, that hold NUL or half a surrogate pair; `max` at most.
 * Recursion is safe: bodies are bounded to 64 levels before they are parsed.
 */
export function findUnstorableText(value: unknown, max: number): ProblemIssue[] {
  const found: ProblemIssue[] = [];
  // One path for the whole walk: a large body must not cost an array per value.
  const path: PropertyKey[] = [];

  function report(text: string): boolean {
    const detail = judge(text);
    if (detail) found.push({ pointer: toPointer(path), detail });
    return detail !== null;
  }

  function walk(node: unknown): void {
    if (typeof node === 'string') return void report(node);
    if (typeof node !== 'object' || node === null) return;
    const isArray = Array.isArray(node);
    for (const key of Object.keys(node)) {
      if (found.length >= max) return;
      // The name itself would break the answer that quotes it, so that it is told at its parent.
      if (!isArray && report(key)) continue;
      path.push(key);
      walk((node as Record<string, unknown>)[key]);
      path.pop();
    }
  }

  walk(value);
  return found;
}
