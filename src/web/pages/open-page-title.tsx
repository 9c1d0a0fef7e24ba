/** OpenPageTitle heads a page for people who are not signed in. */
import { Text, Title } from '@mantine/core';
import type { ReactNode } from 'react';
import { usePageTitle } from '../ui/page-header.tsx';

export function OpenPageTitle({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  usePageTitle(title);
  return (
    <header>
      <Title order={1} tabIndex={-1} mb={children ? undefined : 'md'}>
        {title}
      </Title>
      {children ? (
        <Text c="dimmed" size="sm" mt={4} mb="md" component="div">
          {children}
        </Text>
      ) : null}
    </header>
  );
}
