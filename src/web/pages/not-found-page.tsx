/** NotFoundPage says that an address leads nowhere, and where to go instead. */
import { Button } from '@mantine/core';
import { IconCompass } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
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
          <Button component={Link} to="/">
            Go home
          </Button>
        }
      >
        It may have been deleted, or it belongs to somebody else. Links that used to work can be searched for from the
        application they belong to.
      </EmptyState>
    </>
  );
}
