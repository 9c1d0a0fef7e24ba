/** Whether the command palette is wanted: small, so that the first load carries this and not the palette. */
import { useSyncExternalStore } from 'react';

const listeners = new Set<() => void>();
let isOpen = false;

function set(value: boolean): void {
  if (isOpen === value) return;
  isOpen = value;
  for (const listener of listeners) listener();
}

/** openPalette shows the palette, over whatever page there is. */
export const openPalette = (): void => set(true);

/** closePalette hides it. */
export const closePalette = (): void => set(false);

/** usePaletteOpen follows whether it is to be seen. */
export function usePaletteOpen(): boolean {
  return useSyncExternalStore(subscribe, () => isOpen);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** A dialog that asks something is answered first. */
const hasDialog = (): boolean => document.querySelector('[role="dialog"][aria-modal="true"]') !== null;

/** listenForShortcut opens and closes the palette on Ctrl+K and Cmd+K, also from within a field; returns the end of it. */
export function listenForShortcut(): () => void {
  const onKey = (event: KeyboardEvent) => {
    const isShortcut = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isShortcut || event.key.toLowerCase() !== 'k' || event.defaultPrevented) return;
    event.preventDefault(); // Firefox would go to its search field
    if (isOpen) set(false);
    else if (!hasDialog()) set(true);
  };
  addEventListener('keydown', onKey);
  return () => removeEventListener('keydown', onKey);
}
