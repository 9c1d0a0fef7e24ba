/** NavigationDrawer is the navigation on a phone, loaded when it is first opened. */
import { Drawer } from '@mantine/core';
import { Brand, Navigation } from './navigation.tsx';
import { OrganisationSwitcher } from './organisation-switcher.tsx';
import classes from './shell.module.css';

interface NavigationDrawerProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}

export default function NavigationDrawer({ isOpen, onClose }: NavigationDrawerProps) {
  return (
    <Drawer opened={isOpen} onClose={onClose} title={<Brand />} size="18rem" classNames={{ body: classes.drawerBody }}>
      <nav aria-label="Drawer">
        <OrganisationSwitcher onNavigate={onClose} />
        <Navigation onNavigate={onClose} />
      </nav>
    </Drawer>
  );
}
