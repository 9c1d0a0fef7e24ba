/** OpenedMenu is a menu whose program was loaded because somebody pressed its button: it comes, takes the focus and opens. */
import { Menu, type MenuProps } from '@mantine/core';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { MenuButton, type MenuButtonProps } from './menu-button.tsx';

interface OpenedMenuProps extends Omit<MenuProps, 'opened' | 'onChange' | 'children'> {
  readonly button: MenuButtonProps;
  /** False while the first of its lines are on their way: it waits a little for them, so that the focus begins with them. */
  readonly isReady?: boolean;
  /** The menu's lines. */
  readonly children: ReactNode;
}

/** A server that takes longer does not keep the menu closed. */
const patienceMilliseconds = 400;

export function OpenedMenu({ button, isReady = true, children, ...menu }: OpenedMenuProps) {
  const [isOpened, setOpened] = useState(false);
  const ref = useRef<HTMLButtonElement>(null);
  const wasOpened = useRef(false);
  useEffect(() => {
    ref.current?.focus({ preventScroll: true }); // where it was when the button was pressed, and returns to
  }, []);
  useEffect(() => {
    if (wasOpened.current) return undefined;
    const open = () => {
      wasOpened.current = true;
      setOpened(true);
    };
    const timer = setTimeout(open, isReady ? 0 : patienceMilliseconds);
    return () => clearTimeout(timer);
  }, [isReady]);
  return (
    <Menu {...menu} opened={isOpened} onChange={setOpened}>
      <Menu.Target>
        <MenuButton {...button} ref={ref} />
      </Menu.Target>
      <Menu.Dropdown>{children}</Menu.Dropdown>
    </Menu>
  );
}
