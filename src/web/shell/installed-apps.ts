/** Finds the pages of every application at build time; an app is added by its folder, nothing is listed here. */
import type { AppPages } from '../app-pages.ts';

const modules = import.meta.glob<{ readonly pages: AppPages }>('../../apps/*/ui/pages.tsx', { eager: true });

/** installedApps are all applications with pages; which of them a person has, the session says. */
export const installedApps: readonly AppPages[] = Object.values(modules).map((module) => module.pages);
