/** Navigation lists home and the applications; the one that is open shows its pages. */
import { IconHome } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import type { AppPages, NavigationItem } from '../app-pages.ts';
import { useSession } from '../session.ts';
import { Mark } from '../ui/mark.tsx';
import { installedApps } from './installed-apps.ts';
import classes from './shell.module.css';

/** useMyApps are the installed applications that the session grants, in the server's order. */
export function useMyApps(): readonly (AppPages & { readonly tagline: string })[] {
  const { apps } = useSession();
  return apps.flatMap(({ id, tagline }) => {
    const app = installedApps.find((candidate) => candidate.id === id);
    return app ? [{ ...app, tagline }] : [];
  });
}

export function Navigation({ onNavigate }: { readonly onNavigate?: () => void }) {
  const { organisation, permissions } = useSession();
  const apps = useMyApps();
  const path = useLocation({ select: (location) => location.pathname });
  return (
    <nav className={classes.navigation} aria-label="Main">
      <Link to="/" className={classes.brand} onClick={onNavigate}>
        <Mark />
        <span className={classes.brandText}>
          <strong>Bulkhead</strong>
          <span className={classes.organisation}>{organisation.name}</span>
        </span>
      </Link>
      <ul className={classes.navList}>
        <NavLink item={{ label: 'Home', to: '/', icon: IconHome, isExact: true }} onNavigate={onNavigate} />
        {apps.map((app) => {
          const isOpen = path === `/${app.id}` || path.startsWith(`/${app.id}/`);
          const items = app.navigation.filter((item) => !item.permission || permissions.includes(item.permission));
          const [first] = items;
          if (!first) return null;
          return items.length > 1 && isOpen ? (
            <li key={app.id}>
              <div className={classes.navHeading}>{app.title}</div>
              <ul className={classes.navList}>
                {items.map((item) => (
                  <NavLink key={item.to} item={item} onNavigate={onNavigate} />
                ))}
              </ul>
            </li>
          ) : (
            <NavLink key={app.id} item={{ ...first, label: app.title, icon: app.icon }} onNavigate={onNavigate} />
          );
        })}
      </ul>
    </nav>
  );
}

function NavLink({ item, onNavigate }: { readonly item: NavigationItem; readonly onNavigate?: () => void }) {
  const { icon: Icon } = item;
  return (
    <li>
      <Link
        to={item.to}
        className={classes.navLink}
        activeOptions={{ exact: item.isExact ?? false, includeSearch: false }}
        onClick={onNavigate}
      >
        <Icon size={19} stroke={1.6} />
        {item.label}
      </Link>
    </li>
  );
}
