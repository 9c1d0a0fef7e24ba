/** Who is signed in, for any page: one cached read of GET /session, shared by the shell and the apps. */
import { useSuspenseQuery } from '@tanstack/react-query';
import type { authContract } from '../kernel/auth/contract.ts';
import { queryOf } from './api-hooks.ts';
import { ApiProblem, believedPerson, createApi, regainSession, type CallOutput } from './api.ts';
import { countAnswers } from './question.ts';

export const authApi = createApi<typeof authContract>();

export type Session = CallOutput<(typeof authContract)['GET /session']>;

/** sessionQuery fails with UNAUTHENTICATED when nobody is signed in. */
export const sessionQuery = {
  ...queryOf(authApi, 'GET /session'),
  queryFn: ({ signal }: { readonly signal: AbortSignal }) => readSession(signal),
  staleTime: 60_000,
  retry: false,
};

/** readSession takes nobody else's session for a page that is somebody's: it asks them to sign in again. */
async function readSession(signal: AbortSignal): Promise<Session> {
  const sentAt = countAnswers();
  const session = await authApi('GET /session', { signal });
  const person = believedPerson();
  if (person === null || session.user.id === person) return session;
  void regainSession(sentAt, { isRead: true });
  throw new ApiProblem({ status: 409, code: 'PERSON_CHANGED', detail: 'Somebody else is signed in here now.' });
}

export const setupQuery = { ...queryOf(authApi, 'GET /setup'), staleTime: 60_000 };

/** useSession is the signed-in person, organisation and permissions; for pages inside the shell, which waits for it. */
export function useSession(): Session {
  return useSuspenseQuery(sessionQuery).data;
}

/** usePermission tells whether to offer something; the server decides again. */
export function usePermission(permission: string): boolean {
  return useSession().permissions.includes(permission);
}
