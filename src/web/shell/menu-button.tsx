/** The button of a menu is there at once; the menu itself is loaded when it is wanted. */
import { UnstyledButton } from '@mantine/core';
import type { ComponentProps, ComponentType } from 'react';
import { useOnDemand } from './use-on-demand.ts';

export type MenuButtonProps = ComponentProps<typeof UnstyledButton<'button'>>;

/** MenuButton looks the same before and after its menu is there. */
export function MenuButton(props: MenuButtonProps) {
  return <UnstyledButton aria-haspopup="menu" aria-expanded={false} {...props} />;
}

/** What a menu is given besides its own: the button it takes over, as `OpenedMenu` does. */
interface WithButton {
  readonly button: MenuButtonProps;
}

type MenuOnDemandProps<P extends WithButton> = P & {
  readonly load: () => Promise<{ readonly default: ComponentType<P> }>;
};

/** MenuOnDemand passes what it is given on to the menu that `load` brings. */
export function MenuOnDemand<P extends WithButton>({ load, ...props }: MenuOnDemandProps<P>) {
  const { Part, prepare, want } = useOnDemand(load);
  // The rest of `P & { load }` without `load` is P, which the compiler cannot see.
  const given = props as unknown as P;
  if (Part) return <Part {...given} />;
  const { button } = given;
  return (
    <MenuButton
      {...button}
      onClick={want}
      onPointerEnter={(event) => {
        prepare();
        button.onPointerEnter?.(event);
      }}
      onFocus={(event) => {
        prepare();
        button.onFocus?.(event);
      }}
    />
  );
}
