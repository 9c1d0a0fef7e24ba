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

/** PaletteEntry is one thing to go to or to do in the command palette; exactly one of `to` and `run` is there. */
export interface PaletteEntry {
  /** Unique among all entries. */
  readonly id: string;
  readonly label: string;
  /** What tells it from others of the same name. */
  readonly description?: string;
  readonly icon: IconType;
  /** Other words people may type for it. */
  readonly keywords?: string;
  readonly to?: string;
  readonly run?: () => void;
}

/** PaletteGroup is what an application found, under a heading. */
export interface PaletteGroup {
  readonly title: string;
  readonly entries: readonly PaletteEntry[];
}

/** PaletteSearch is given up by its signal when other words are typed. */
export interface PaletteSearch {
  readonly signal: AbortSignal;
  readonly permissions: readonly string[];
}

/** PaletteSource lets the command palette act in an application and search its things. */
export interface PaletteSource {
  /** What one can do here, given what one may do. */
  actions(permissions: readonly string[]): readonly PaletteEntry[];
  /** The things that fit the words; for no words, those worth offering before anything is typed. */
  find(query: string, options: PaletteSearch): Promise<readonly PaletteGroup[]>;
}

/** PageRoute is one page. */
export interface PageRoute {
  /** Absolute path with `$param` places: `/agents/$agentId`. Every path of an app starts with `/<app id>`. */
  readonly path: string;
  /** `() => import('./agent-page.tsx')`; the page is the module's default export and starts with a PageHeader. */
  readonly load: () => Promise<{ readonly default: ComponentType }>;
  /** `page` scrolls in a centred column; `full` fills the window and scrolls inside itself, as a chat does. */
  readonly layout?: 'page' | 'full';
  /** Draws with the styles of the shell, and does not wait for those of all pages: the page an application opens with. */
  readonly isPlain?: boolean;
}

/** AppPages is the export `pages` of `src/apps/<id>/ui/pages.tsx`; keep that file small, it is part of the first load. */
export interface AppPages {
  readonly id: string;
  readonly title: string;
  readonly icon: IconType;
  /** The first item is where the app's card on the home page leads. */
  readonly navigation: readonly NavigationItem[];
  readonly routes: readonly PageRoute[];
  /** Its part of the home page, such as what one did last; default export of the module. */
  readonly home?: () => Promise<{ readonly default: ComponentType }>;
  /** Loaded when the command palette is first opened. */
  readonly palette?: () => Promise<PaletteSource>;
  /** Names what its model calls are made for (`subjectId`), by id, for the usage page. */
  readonly nameSubjects?: () => Promise<ReadonlyMap<string, string>>;
}
