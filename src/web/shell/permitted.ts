/** Which addresses need a permission: who follows a link to one without it is told so instead of seeing it fail. */
import { ApiProblem } from '../api.ts';
import type { Session } from '../session.ts';
import { installedApps } from './installed-apps.ts';
import { settingsItems } from './settings-items.ts';

/** By address, as the navigation has it. */
const guarded = new Map(
  [...settingsItems, ...installedApps.flatMap(({ navigation }) => navigation)].flatMap(({ to, permission }) =>
    permission ? [[to, permission] as const] : [],
  ),
);

/** refuseForeignPage throws what the page of errors explains. */
export function refuseForeignPage(path: string, { permissions, isOperator }: Session): void {
  const needed = guarded.get(path);
  const isAllowed = /^\/admin(?:\/|$)/.test(path) ? isOperator : !needed || permissions.includes(needed);
  if (isAllowed) return;
  throw new ApiProblem({ status: 403, code: 'FORBIDDEN', detail: 'Your role does not include this page.' });
}
