/** What an application gives the web shell: its place in the navigation, and pages that load when first visited. */
import type { ComponentType } from 'react';
import type { IconType } from './ui/states.tsx';

/** NavigationItem is a link in the app's part of the navigation. */
export interface NavigationItem {
  readonly label: string;
  /** Absolute path, `/agents`. */
  readonly to: string;
  readonly icon: IconType;
  /** True when only this very path marks the item as current, not the paths below it. */
  readonly isExact?: boolean;
  /** Shown only to holders of this permission. */
  readonly permission?: string;
}

/** PageRoute is one page. */
export interface PageRoute {
  /** Absolute path with `$param` places: `/agents/$agentId`. Every path of an app starts with `/<app id>`. */
  readonly path: string;
  /** `() => import('./agent-page.tsx')`; the page is the module's default export and starts with a PageHeader. */
  readonly load: () => Promise<{ readonly default: ComponentType }>;
  /** `page` scrolls in a centred column; `full` fills the window and scrolls inside itself, as a chat does. */
  readonly layout?: 'page' | 'full';
}

/** AppPages is the export `pages` of `src/apps/<id>/ui/pages.tsx`; keep that file small, it is part of the first load. */
export interface AppPages {
  readonly id: string;
  readonly title: string;
  readonly icon: IconType;
  /** The first item is where the app's card on the home page leads. */
  readonly navigation: readonly NavigationItem[];
  readonly routes: readonly PageRoute[];
}
