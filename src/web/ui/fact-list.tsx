/** FactList shows what is known of one thing: terms in a narrow column, facts beside them. */
import type { ReactNode } from 'react';
import classes from './fact-list.module.css';

interface FactListProps {
  /** True gives terms some width even where all are short, so that lists below one another begin alike. */
  readonly hasWideTerms?: boolean;
  /** Pairs of `dt` and `dd`. */
  readonly children: ReactNode;
}

export function FactList({ hasWideTerms, children }: FactListProps) {
  return (
    <dl className={classes.facts} data-wide={hasWideTerms || undefined}>
      {children}
    </dl>
  );
}
