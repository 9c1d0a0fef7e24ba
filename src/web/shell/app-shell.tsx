/** AppShell frames every page of a signed-in person: navigation at the left, on a phone in a drawer, and the page. */
import '../theme/mantine-shell.css';
import { ActionIcon } from '@mantine/core';
import { IconMenu2 } from '@tabler/icons-react';
import { Link, Outlet, useMatches } from '@tanstack/react-router';
import { Suspense, useDeferredValue, useState } from 'react';
import { Mark } from '../ui/mark.tsx';
import { LoadingRows } from '../ui/states.tsx';
import { DeferredDialogs } from './deferred-dialogs.tsx';
import { DeletionBanner } from './deletion-banner.tsx';
import { ConnectionBanner } from './connection-banner.tsx';
import { Brand, Navigation } from './navigation.tsx';
import { NotificationBell } from './notification-bell.tsx';
import { OrganisationSwitcher } from './organisation-switcher.tsx';
import classes from './shell.module.css';
import { SupportBanner } from './support-banner.tsx';
import { useIsNarrow } from './use-is-narrow.ts';
import { useKeptPush } from './use-kept-push.ts';
import { useOnDemand } from './use-on-demand.ts';
import { PaletteButton } from './palette/palette-button.tsx';
import { PaletteHost } from './palette/palette-host.tsx';
import { UserMenu } from './user-menu.tsx';

export default function AppShell() {
  useKeptPush();
  const isNarrow = useIsNarrow();
  const isTime = useDeferredValue(true, false);
  const layout = useMatches({ select: (matches) => matches.at(-1)?.staticData.layout ?? 'page' });
  return (
    <div className={classes.shell} data-layout={layout}>
      <a className={classes.skipLink} href="#main">
        Skip to content
      </a>
      {isNarrow ? <TopBar /> : <SideBar />}
      <main id="main" className={classes.main} tabIndex={-1}>
        <DeletionBanner />
        <SupportBanner />
        <Suspense fallback={<LoadingRows />}>{isTime ? <Outlet /> : <LoadingRows />}</Suspense>
      </main>
      <ConnectionBanner />
      <DeferredDialogs />
      <PaletteHost />
    </div>
  );
}

function SideBar() {
  return (
    <nav className={classes.sideBar} aria-label="Main">
      <Link to="/" className={classes.brandLink}>
        <Brand />
      </Link>
      <OrganisationSwitcher />
      <PaletteButton />
      <div className={classes.navigation}>
        <Navigation />
      </div>
      <UserMenu />
    </nav>
  );
}

/** TopBar is what a phone has instead: the navigation is in a drawer, made when it is first opened. */
function TopBar() {
  const [isOpen, setOpen] = useState(false);
  const { Part: NavigationDrawer, prepare, want } = useOnDemand(() => import('./navigation-drawer.tsx'));
  const open = () => {
    want();
    setOpen(true);
  };
  return (
    <>
      <nav className={classes.topBar} aria-label="Top bar">
        <ActionIcon aria-label="Open navigation" aria-expanded={isOpen} onClick={open} onPointerEnter={prepare}>
          <IconMenu2 size={22} />
        </ActionIcon>
        <Link to="/" className={classes.brand} aria-label="Bulkhead, home">
          <Mark size={24} />
          <span>Bulkhead</span>
        </Link>
        <span className={classes.topEnd}>
          <PaletteButton isCompact />
          <NotificationBell isCompact />
          <UserMenu isCompact />
        </span>
      </nav>
      {NavigationDrawer ? <NavigationDrawer isOpen={isOpen} onClose={() => setOpen(false)} /> : null}
    </>
  );
}
