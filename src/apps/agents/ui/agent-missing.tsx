/** AgentMissing stands for an agent that cannot be shown: deleted, somebody else's, or unreachable at the moment. */
import { Button } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { ErrorState, PageHeader } from '#web/ui/index.ts';

interface AgentMissingProps {
  readonly error: unknown;
  readonly onRetry: () => void;
}

export function AgentMissing({ error, onRetry }: AgentMissingProps) {
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
