/** DataList shows rows of anything as one bordered list: loading, failed, empty, more pages, all in one place. */
import { Button, Group } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { ErrorState, LoadingRows } from './states.tsx';
import classes from './ui.module.css';

interface DataListProps<T> {
  /** For screen readers: what is listed. */
  readonly label: string;
  readonly items: readonly T[];
  readonly itemKey: (item: T) => string;
  readonly renderItem: (item: T) => ReactNode;
  readonly isLoading: boolean;
  readonly error?: unknown;
  readonly onRetry?: () => void;
  /** Stands in the place of the list when it has no rows. */
  readonly empty: ReactNode;
  readonly hasMore?: boolean;
  readonly isLoadingMore?: boolean;
  readonly onLoadMore?: () => void;
}

/** DataList takes what `usePages` gives. Rows are `DataRow`s. */
export function DataList<T>(props: DataListProps<T>) {
  if (props.isLoading) return <LoadingRows />;
  if (props.error && props.items.length === 0) return <ErrorState error={props.error} onRetry={props.onRetry} />;
  if (props.items.length === 0) return props.empty;
  return (
    <>
      <ul className={classes.list} aria-label={props.label}>
        {props.items.map((item) => (
          <li key={props.itemKey(item)} className={classes.listItem}>
            {props.renderItem(item)}
          </li>
        ))}
      </ul>
      {props.hasMore ? (
        <Group justify="center" mt="sm">
          <Button variant="default" loading={props.isLoadingMore} onClick={props.onLoadMore}>
            Show more
          </Button>
        </Group>
      ) : null}
    </>
  );
}

interface DataRowProps {
  /** Where a click on the row leads; actions keep their own clicks. */
  readonly to?: string;
  readonly icon?: ReactNode;
  readonly title: ReactNode;
  readonly description?: ReactNode;
  /** Figures and badges at the right. */
  readonly meta?: ReactNode;
  readonly actions?: ReactNode;
}

/** DataRow is one row: icon, title with description, figures, actions. On a phone the figures move under the title. */
export function DataRow({ to, icon, title, description, meta, actions }: DataRowProps) {
  return (
    <div className={classes.row} data-clickable={to ? true : undefined}>
      {icon ? <span className={classes.rowIcon}>{icon}</span> : null}
      <div className={classes.rowText}>
        <div className={classes.rowTitle}>
          {to ? (
            <Link to={to} className={classes.rowLink}>
              {title}
            </Link>
          ) : (
            title
          )}
        </div>
        {description ? <div className={classes.rowDescription}>{description}</div> : null}
      </div>
      {meta ? <div className={classes.rowMeta}>{meta}</div> : null}
      {actions ? <div className={classes.rowActions}>{actions}</div> : null}
    </div>
  );
}
