/** PaletteHost waits for the shortcut or a button, and keeps the palette once it has been opened. */
import { lazy, Suspense, useEffect, useState } from 'react';
import { loadPalette } from './load-palette.ts';
import { listenForShortcut, usePaletteOpen } from './palette-state.ts';

const Palette = lazy(loadPalette);

export function PaletteHost() {
  const isOpen = usePaletteOpen();
  const [wasOpen, setWasOpen] = useState(false);
  useEffect(listenForShortcut, []);
  if (isOpen && !wasOpen) setWasOpen(true);
  return wasOpen || isOpen ? (
    <Suspense fallback={null}>
      <Palette isOpen={isOpen} />
    </Suspense>
  ) : null;
}
