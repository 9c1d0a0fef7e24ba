/** Navigation lists home and the applications; the one that is open shows its pages. */
import { IconBuilding, IconHome, IconServerCog, IconSettings, IconUser } from '@tabler/icons-react';
import { Link, useLocation } from '@tanstack/react-router';
import type { AppPages, NavigationItem } from '../app-pages.ts';
import { useSession } from '../session.ts';
import { Mark } from '../ui/mark.tsx';
import type { IconType } from '../ui/states.tsx';
import { adminItems } from './admin-items.ts';
import { installedApps } from './installed-apps.ts';
import { settingsGroups, settingsOf } from './settings-items.ts';
import classes from './shell.module.css';
import { NotificationBell } from './notification-bell.tsx';

/** useMyApps are the installed applications that the session grants, in the server's order. */
export function useMyApps(): readonly (AppPages & { readonly tagline: string })[] {
  const { apps } = useSession();
  return apps.flatMap(({ id, tagline }) => {
    const app = installedApps.find((candidate) => candidate.id === id);
    return app ? [{ ...app, tagline }] : []; // what has no pages works by its API alone
  });
}

/** Brand is the mark with the name of the program. */
export function Brand() {
  return (
    <span className={classes.brand}>
      <Mark />
      <strong className={classes.brandText}>Bulkhead</strong>
    </span>
  );
}

/** Navigation goes into a `nav` element; `onNavigate` closes the drawer around it. */
export function Navigation({ onNavigate }: { readonly onNavigate?: () => void }) {
  const { isOperator, permissions } = useSession();
  const apps = useMyApps();
  const path = useLocation({ select: (location) => location.pathname });
  const isIn = (section: string) => path === `/${section}` || path.startsWith(`/${section}/`);
  return (
    <ul className={classes.navList}>
      <NavLink item={{ label: 'Home', to: '/', icon: IconHome, isExact: true }} onNavigate={onNavigate} />
      <li>
        <NotificationBell onNavigate={onNavigate} />
      </li>
      {apps.map((app) => (
        <NavSection
          key={app.id}
          title={app.title}
          icon={app.icon}
          items={app.navigation.filter((item) => !item.permission || permissions.includes(item.permission))}
          isOpen={isIn(app.id)}
          onNavigate={onNavigate}
        />
      ))}
      <NavLink
        item={{ label: 'Settings', to: '/settings', icon: IconSettings, isExact: true }}
        onNavigate={onNavigate}
      />
      {isIn('settings') ? <SettingsSections path={path} onNavigate={onNavigate} /> : null}
      {isOperator ? (
        <NavSection
          title="Administration"
          icon={IconServerCog}
          items={adminItems}
          isOpen={isIn('admin')}
          onNavigate={onNavigate}
        />
      ) : null}
    </ul>
  );
}

const groupIcons = { you: IconUser, organisation: IconBuilding } as const;

/** SettingsSections opens the group that holds the page one is on: never more lines than a small screen is high. */
function SettingsSections({ path, onNavigate }: { readonly path: string; readonly onNavigate?: () => void }) {
  const { permissions } = useSession();
  return settingsGroups.map(({ group, title }) => {
    const items = settingsOf(group, permissions);
    return (
      <NavSection
        key={group}
        title={title}
        icon={groupIcons[group]}
        items={items}
        isOpen={items.some(({ to }) => path === to)}
        onNavigate={onNavigate}
      />
    );
  });
}

interface NavSectionProps {
  readonly title: string;
  readonly icon: IconType;
  readonly items: readonly NavigationItem[];
  readonly isOpen: boolean;
  readonly onNavigate?: () => void;
}

/** NavSection is one link while closed or while there is but one page in it; open, it lists its pages. */
function NavSection({ title, icon, items, isOpen, onNavigate }: NavSectionProps) {
  const [first] = items;
  if (!first) return null;
  if (!isOpen || items.length === 1) return <NavLink item={{ ...first, label: title, icon }} onNavigate={onNavigate} />;
  return (
    <li>
      <div className={classes.navHeading}>{title}</div>
      <ul className={classes.navList}>
        {items.map((item) => (
          <NavLink key={item.to} item={item} onNavigate={onNavigate} />
        ))}
      </ul>
    </li>
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
