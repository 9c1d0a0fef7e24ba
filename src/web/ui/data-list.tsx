/** DataList shows rows of anything as one bordered list: loading, failed, empty, more pages, all in one place. */
import { Button, Group, Text } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { asProblem } from '../api-problem.ts';
import { ErrorState, LoadingRows } from './states.tsx';
import classes from './ui.module.css';

interface DataListProps<T> {
  /** For screen readers: what is listed. */
  readonly label: string;
  readonly items: readonly T[];
  readonly itemKey: (item: T) => string;
  readonly renderItem: (item: T) => ReactNode;
  readonly isLoading: boolean;
  /** True while the rows are still those of another search. */
  readonly isChanging?: boolean;
  readonly error?: unknown;
  readonly onRetry?: () => void;
  /** Stands in the place of the list when it has no rows. */
  readonly empty: ReactNode;
  readonly hasMore?: boolean;
  readonly isLoadingMore?: boolean;
  readonly onLoadMore?: () => void;
}

/** DataList takes items that are there already or come in some way of their own. Rows are `DataRow`s. */
export function DataList<T>(props: DataListProps<T>) {
  if (props.isLoading) return <LoadingRows />;
  if (props.error && props.items.length === 0) return <ErrorState error={props.error} onRetry={props.onRetry} />;
  if (props.items.length === 0)
    return props.empty ? <div aria-busy={props.isChanging || undefined}>{props.empty}</div> : null;
  return (
    <>
      <ul className={classes.list} aria-label={props.label} aria-busy={props.isChanging || undefined}>
        {props.items.map((item) => (
          <li key={props.itemKey(item)} className={classes.listItem}>
            {props.renderItem(item)}
          </li>
        ))}
      </ul>
      {props.error ? <Stale error={props.error} onRetry={props.onRetry} /> : null}
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

/** Pages is what `usePages` gives. */
interface Pages<T> {
  readonly items: readonly T[];
  readonly isPending: boolean;
  readonly isPlaceholderData: boolean;
  readonly error: unknown;
  readonly refetch: () => Promise<unknown>;
  readonly hasNextPage: boolean;
  readonly isFetchingNextPage: boolean;
  readonly fetchNextPage: () => Promise<unknown>;
}

interface PagedListProps<T> extends Pick<DataListProps<T>, 'label' | 'itemKey' | 'renderItem' | 'empty'> {
  readonly pages: Pages<T>;
}

/** PagedList is a DataList of what `usePages` gives. */
export function PagedList<T>({ pages, ...list }: PagedListProps<T>) {
  return (
    <DataList
      {...list}
      items={pages.items}
      isLoading={pages.isPending}
      isChanging={pages.isPlaceholderData}
      error={pages.error}
      onRetry={() => void pages.refetch()}
      hasMore={pages.hasNextPage}
      isLoadingMore={pages.isFetchingNextPage || pages.isPlaceholderData}
      onLoadMore={() => void pages.fetchNextPage()}
    />
  );
}

/** Stale says that the rows above are those of an earlier moment, or not all, and why. */
function Stale({ error, onRetry }: Pick<DataListProps<never>, 'error' | 'onRetry'>) {
  return (
    <Group role="status" justify="center" gap="xs" mt="sm">
      <Text size="sm" c="var(--mantine-color-error)">
        This list may be out of date: {asProblem(error).message}
      </Text>
      {onRetry ? (
        <Button size="xs" variant="default" onClick={onRetry}>
          Try again
        </Button>
      ) : null}
    </Group>
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
  /** Null where others of the list have some: their place is kept, so that the figures stand below one another. */
  readonly actions?: ReactNode;
  /** True where the actions are wide, such as a choice: on a phone they take a line of their own. */
  readonly hasWideActions?: boolean;
  /** What must be read whole, such as why something failed; the description is cut after some lines. */
  readonly below?: ReactNode;
}

/** DataRow is one row: icon, title with description, figures, actions. On a phone the figures move under the title. */
export function DataRow({ to, icon, title, description, meta, actions, hasWideActions, below }: DataRowProps) {
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
      {actions === undefined ? null : (
        <div className={classes.rowActions} data-wide={hasWideActions || undefined}>
          {actions}
        </div>
      )}
      {below ? <div className={classes.rowBelow}>{below}</div> : null}
    </div>
  );
}
