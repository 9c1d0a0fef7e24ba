/** NotFoundPage says that an address leads nowhere, and where to go instead. */
import { Button, Group } from '@mantine/core';
import { IconCompass, IconSearch } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { openPalette } from '../shell/palette/palette-state.ts';
import { PageHeader } from '../ui/page-header.tsx';
import { EmptyState } from '../ui/states.tsx';

export default function NotFoundPage() {
  return (
    <>
      <PageHeader title="Not found" />
      <EmptyState
        icon={IconCompass}
        title="There is nothing at this address"
        action={
          <Group gap="xs">
            <Button component={Link} to="/">
              Go home
            </Button>
            <Button variant="default" leftSection={<IconSearch size={16} />} onClick={openPalette}>
              Search
            </Button>
          </Group>
        }
      >
        It may have been deleted, it belongs to somebody else, or to another organisation of yours: the name above the
        navigation says where you work now.
      </EmptyState>
    </>
  );
}
