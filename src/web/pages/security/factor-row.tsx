/** FactorRow is one line of a card: what it is, what it does, its state, its button; on a phone the button goes below. */
import type { ReactNode } from 'react';
import type { IconType } from '../../ui/states.tsx';
import classes from './security.module.css';

interface FactorRowProps {
  readonly icon: IconType;
  readonly title: string;
  readonly description: string;
  /** A badge beside the title. */
  readonly state?: ReactNode;
  readonly action?: ReactNode;
}

export function FactorRow({ icon: Icon, title, description, state, action }: FactorRowProps) {
  return (
    <div className={classes.row}>
      <span className={classes.rowIcon}>
        <Icon size={22} stroke={1.5} />
      </span>
      <div className={classes.rowText}>
        <div className={classes.rowTitle}>
          {title}
          {state}
        </div>
        <div className={classes.rowDescription}>{description}</div>
      </div>
      {action ? <div className={classes.rowAction}>{action}</div> : null}
    </div>
  );
}
