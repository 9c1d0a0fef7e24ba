/** One query cache; failures that repeating cannot change are not repeated. */
import { QueryClient } from '@tanstack/react-query';
import { ApiProblem } from '../api.ts';

function mayRetry(failureCount: number, error: Error): boolean {
  return failureCount < 2 && error instanceof ApiProblem && error.isRetryable;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      retry: mayRetry,
      staleTime: 5_000,
      networkMode: 'always', // the server may be on this machine: being "offline" says nothing
    },
    mutations: { retry: false, networkMode: 'always' },
  },
});
