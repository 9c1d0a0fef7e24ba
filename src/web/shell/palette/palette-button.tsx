/** PaletteButton opens the command palette; the palette itself is loaded when it is first wanted. */
import { ActionIcon, Kbd, UnstyledButton } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { loadPalette } from './load-palette.ts';
import classes from './palette-button.module.css';
import { openPalette } from './palette-state.ts';

/** People with an Apple keyboard look for another key. */
const isApple = /mac|iphone|ipad/i.test(navigator.userAgent);

interface PaletteButtonProps {
  /** An icon alone, for the top bar of a phone. */
  readonly isCompact?: boolean;
  readonly onOpen?: () => void;
}

export function PaletteButton({ isCompact, onOpen }: PaletteButtonProps) {
  const open = () => {
    onOpen?.();
    openPalette();
  };
  const hints = { onPointerEnter: () => void loadPalette(), onFocus: () => void loadPalette() };
  if (isCompact) {
    return (
      <ActionIcon aria-label="Search and commands" aria-haspopup="dialog" onClick={open} {...hints}>
        <IconSearch size={22} stroke={1.6} />
      </ActionIcon>
    );
  }
  return (
    <UnstyledButton
      className={classes.button}
      aria-haspopup="dialog"
      aria-keyshortcuts="Control+K Meta+K"
      onClick={open}
      {...hints}
    >
      <IconSearch size={17} stroke={1.6} aria-hidden />
      <span className={classes.text}>Search</span>
      <Kbd size="xs" aria-hidden>
        {isApple ? '⌘ K' : 'Ctrl K'}
      </Kbd>
    </UnstyledButton>
  );
}
