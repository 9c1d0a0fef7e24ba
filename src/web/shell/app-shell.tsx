/** AppShell frames every page of a signed-in person: navigation at the left, on a phone in a drawer, and the page. */
import { ActionIcon, Drawer } from '@mantine/core';
import '@mantine/notifications/styles.css';
import { Notifications } from '@mantine/notifications';
import { IconMenu2 } from '@tabler/icons-react';
import { Link, Outlet, useMatches } from '@tanstack/react-router';
import { Suspense, useState } from 'react';
import { Mark } from '../ui/mark.tsx';
import { LoadingRows } from '../ui/states.tsx';
import { Brand, Navigation } from './navigation.tsx';
import classes from './shell.module.css';
import { SignInAgain } from './sign-in-again.tsx';
import { UserMenu } from './user-menu.tsx';

export default function AppShell() {
  const [isDrawerOpen, setDrawerOpen] = useState(false);
  const layout = useMatches({ select: (matches) => matches.at(-1)?.staticData.layout ?? 'page' });
  return (
    <div className={classes.shell} data-layout={layout}>
      <a className={classes.skipLink} href="#main">
        Skip to content
      </a>
      <nav className={classes.topBar} aria-label="Top bar">
        <ActionIcon aria-label="Open navigation" aria-expanded={isDrawerOpen} onClick={() => setDrawerOpen(true)}>
          <IconMenu2 size={22} />
        </ActionIcon>
        <Link to="/" className={classes.brand} aria-label="Bulkhead, home">
          <Mark size={24} />
          <span>Bulkhead</span>
        </Link>
        <UserMenu isCompact />
      </nav>
      <nav className={classes.sideBar} aria-label="Main">
        <Link to="/" className={classes.brandLink}>
          <Brand />
        </Link>
        <div className={classes.navigation}>
          <Navigation />
        </div>
        <UserMenu />
      </nav>
      <Drawer
        opened={isDrawerOpen}
        onClose={() => setDrawerOpen(false)}
        title={<Brand />}
        size="18rem"
        classNames={{ body: classes.drawerBody }}
      >
        <nav aria-label="Drawer">
          <Navigation onNavigate={() => setDrawerOpen(false)} />
        </nav>
      </Drawer>
      <main id="main" className={classes.main} tabIndex={-1}>
        <Suspense fallback={<LoadingRows />}>
          <Outlet />
        </Suspense>
      </main>
      <SignInAgain />
      <Notifications position="top-right" limit={3} />
    </div>
  );
}
