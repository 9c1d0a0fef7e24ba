/** After a change of page the focus goes to its heading, so that keyboard and screen reader start where the page does. */
import type { AnyRouter } from '@tanstack/react-router';

/** focusAfterNavigation follows `router`; a page that has taken the focus itself, such as a composer, keeps it. */
export function focusAfterNavigation(router: AnyRouter): void {
  let isFirst = true;
  router.subscribe('onRendered', ({ pathChanged }) => {
    const wasFirst = isFirst;
    isFirst = false;
    if (wasFirst || !pathChanged) return;
    const main = document.querySelector<HTMLElement>('main');
    if (!main || (main.contains(document.activeElement) && document.activeElement !== main)) return;
    const heading = main.querySelector<HTMLElement>('h1[tabindex]');
    (heading ?? main).focus({ preventScroll: true });
  });
}
