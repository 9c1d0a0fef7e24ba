/** A page that crashes leaves the shell standing; a shell that crashes still offers a way out (K6.3). */
import { Button, Container } from '@mantine/core';
import { useQueryErrorResetBoundary } from '@tanstack/react-query';
import { useRouter, type ErrorComponentProps } from '@tanstack/react-router';
import { Component, useState, type ReactNode } from 'react';
import { ApiProblem } from '../api.ts';
import { PageHeader } from '../ui/page-header.tsx';
import { ErrorState } from '../ui/states.tsx';

/** numbered gives an error of the page itself an id to quote; an ApiProblem already has the server's. */
function numbered(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const id = Array.from(crypto.getRandomValues(new Uint8Array(4)), (byte) => byte.toString(16).padStart(2, '0')).join(
    '',
  );
  const problem = new ApiProblem({
    code: 'PAGE_FAILED',
    detail: 'This page ran into an error of its own. Your data is safe on the server.',
    requestId: `web-${id}`,
  });
  problem.cause = error;
  return problem;
}

/** PageError stands in for a page that failed: retry, go home, error id. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter();
  const queries = useQueryErrorResetBoundary();
  const [problem] = useState(() => numbered(error));
  const retry = () => {
    queries.reset();
    reset();
    void router.invalidate();
  };
  return (
    <>
      <PageHeader title="This page could not be shown" />
      <ErrorState
        error={problem}
        title="What happened"
        onRetry={retry}
        actions={
          <Button size="xs" variant="default" onClick={() => void router.navigate({ to: '/' })}>
            Go home
          </Button>
        }
      />
    </>
  );
}

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
