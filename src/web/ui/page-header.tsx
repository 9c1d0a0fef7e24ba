/** PageHeader names a page: the one h1, the document's title, and the page's main actions. */
import { Group, Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { useEffect } from 'react';
import classes from './ui.module.css';

/** usePageTitle sets the document's title, such as `Agents · Bulkhead`, while the component is shown. */
export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = title ? `${title} · Bulkhead` : 'Bulkhead';
  }, [title]);
}

interface PageHeaderProps {
  readonly title: string;
  /** One sentence under the title. */
  readonly description?: ReactNode;
  /** Buttons at the right; they wrap under the title on a phone. */
  readonly actions?: ReactNode;
  /** A link back to the list this page belongs to, above the title. */
  readonly back?: ReactNode;
}

/** PageHeader goes first on every page. Its h1 takes the focus after navigation, so that screen readers say where one is. */
export function PageHeader({ title, description, actions, back }: PageHeaderProps) {
  usePageTitle(title);
  return (
    <header className={classes.pageHeader}>
      {back ? <div className={classes.back}>{back}</div> : null}
      <Group justify="space-between" align="flex-start" gap="sm">
        <div className={classes.pageTitle}>
          <Title order={1} tabIndex={-1}>
            {title}
          </Title>
          {description ? (
            <Text c="dimmed" size="sm" mt={2} maw="var(--bh-reading-width)">
              {description}
            </Text>
          ) : null}
        </div>
        {actions ? <Group gap="xs">{actions}</Group> : null}
      </Group>
    </header>
  );
}
