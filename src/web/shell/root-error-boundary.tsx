/** RootErrorBoundary is the last resort when the shell itself crashes: it still offers a way out (K6.3). */
import { Button, Container } from '@mantine/core';
import { Component, type ReactNode } from 'react';
import type { ApiProblem } from '../api.ts';
import { ErrorState } from '../ui/states.tsx';
import { numbered } from './page-problem.ts';

interface RootState {
  readonly problem: ApiProblem | null;
}

/** RootErrorBoundary is the last resort: outside the router, so its ways out load the page anew. */
export class RootErrorBoundary extends Component<{ readonly children: ReactNode }, RootState> {
  override state: RootState = { problem: null };

  static getDerivedStateFromError(error: unknown): RootState {
    return { problem: numbered(error) };
  }

  override render(): ReactNode {
    if (!this.state.problem) return this.props.children;
    return (
      <Container size="sm" py="xl" component="main">
        <ErrorState
          error={this.state.problem}
          title="Bulkhead could not be shown"
          onRetry={() => location.reload()}
          actions={
            <Button size="xs" variant="default" onClick={() => location.assign('/')}>
              Go home
            </Button>
          }
        />
      </Container>
    );
  }
}
