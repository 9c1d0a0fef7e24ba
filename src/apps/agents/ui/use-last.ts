/** useLast remembers what a dialog was about while it closes, so that its words do not vanish before it does. */
import { useState } from 'react';

/** useLast returns `value`, or the last one that was not null. */
export function useLast<T>(value: T | null): T | null {
  const [last, setLast] = useState(value);
  if (value !== null && value !== last) setLast(value);
  return value ?? last;
}
