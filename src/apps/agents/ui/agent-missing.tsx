/** AgentMissing stands for an agent that cannot be shown: deleted, somebody else's, or unreachable at the moment. */
import { Button } from '@mantine/core';
import { IconRobotOff } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { asProblem } from '#web/api.ts';
import { EmptyState, ErrorState, PageHeader } from '#web/ui/index.ts';

interface AgentMissingProps {
  readonly error: unknown;
  readonly onRetry: () => void;
}

export function AgentMissing({ error, onRetry }: AgentMissingProps) {
  if (asProblem(error).status === 404) return <NoAgent />;
  return (
    <>
      <PageHeader title="Agent" />
      <ErrorState
        error={error}
        title="The agent could not be loaded"
        onRetry={onRetry}
        actions={
          <Button size="xs" variant="default" component={Link} to="/agents">
            All agents
          </Button>
        }
      />
    </>
  );
}

function NoAgent() {
  return (
    <>
      <PageHeader title="Not found" />
      <EmptyState
        icon={IconRobotOff}
        title="There is no such agent here"
        action={
          <Button component={Link} to="/agents">
            All agents
          </Button>
        }
      >
        It was deleted, or belongs to another organisation of yours: the name above the navigation says where you work
        now.
      </EmptyState>
    </>
  );
}
