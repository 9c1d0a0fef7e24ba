/** The conventions of forms: server refusals land at their fields, typed text survives a reload. */
import { useEffect, useState } from 'react';
import type { ApiProblem } from '../api-problem.ts';

interface FormLike {
  setErrors(errors: Record<string, string>): void;
  readonly values: unknown;
}

/**
 * showFieldErrors puts a problem's issues at the form's fields and returns what is left to show with FormProblem: the
 * problem itself, or null when every issue found its field.
 */
export function showFieldErrors(form: FormLike, problem: ApiProblem): ApiProblem | null {
  const fields = problem.fieldErrors();
  form.setErrors(fields);
  const hasField = (path: string) => Object.hasOwn(form.values as object, path.split('.')[0] ?? '');
  const paths = Object.keys(fields);
  // Several issues may be about one field, such as a password that breaks two rules.
  const isEachPlaced = problem.issues.every(({ pointer }) => pointer.startsWith('/body/')) && paths.every(hasField);
  return paths.length > 0 && isEachPlaced ? null : problem;
}

/**
 * useDraft is useState for text that must survive a reload or an accidental way back: kept per tab under `key` until
 * it is set to ''. Never use it for secrets.
 */
export function useDraft(key: string): [text: string, setText: (text: string) => void] {
  const storageKey = `bulkhead.draft.${key}`;
  const [draft, setDraft] = useState({ storageKey, text: readDraft(storageKey) });
  if (draft.storageKey !== storageKey) setDraft({ storageKey, text: readDraft(storageKey) });
  useEffect(() => {
    const write = () => writeDraft(draft.storageKey, draft.text);
    const timer = setTimeout(write, 200);
    addEventListener('pagehide', write); // a reload gives effects no time to clean up
    return () => {
      clearTimeout(timer);
      removeEventListener('pagehide', write);
      write();
    };
  }, [draft]);
  return [draft.text, (text) => setDraft({ storageKey, text })];
}

function readDraft(storageKey: string): string {
  try {
    return sessionStorage.getItem(storageKey) ?? '';
  } catch {
    return ''; // storage is blocked: drafts live as long as the page
  }
}

function writeDraft(storageKey: string, text: string): void {
  try {
    if (text) sessionStorage.setItem(storageKey, text);
    else sessionStorage.removeItem(storageKey);
  } catch {
    // storage is blocked or full: the draft is still on the screen
  }
}
