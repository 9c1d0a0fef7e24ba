/** AuthLayout frames the pages for people who are not signed in: the mark, one card, nothing else to do. */
import { Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { Mark } from '../ui/mark.tsx';
import classes from './auth-layout.module.css';

export function AuthLayout() {
  return (
    <OpenFrame>
      <Outlet />
    </OpenFrame>
  );
}

/** OpenFrame is the frame alone, for what is shown while there is no shell. */
export function OpenFrame({ children }: { readonly children: ReactNode }) {
  return (
    <main id="main" className={classes.page} tabIndex={-1}>
      <div className={classes.brand}>
        <Mark size={36} />
        <span>Bulkhead</span>
      </div>
      <div className={classes.card}>{children}</div>
    </main>
  );
}
