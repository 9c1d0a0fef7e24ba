/** /sign-on/<provider>: where providers send the browser back to. What came is handed over once, then one goes on. */
import { Alert, Button, Group, Loader, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconAlertTriangle, IconInfoCircle } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import { useCall } from '../../api-hooks.ts';
import type { ApiProblem } from '../../api-problem.ts';
import { usePageParams } from '../../page-params.ts';
import { sessionQuery } from '../../session.ts';
import { readNext } from '../../shell/read-next.ts';
import { ErrorId } from '../../ui/states.tsx';
import { OpenPageTitle } from '../open-page-title.tsx';
import { signOnApi } from './sign-on-api.ts';

const told: Readonly<Record<string, string>> = {
  linked: 'The provider is linked: you can sign in with it from now on.',
  proved: 'Thank you. Now make the change again.',
};

export default function SignOnCallbackPage() {
  const { provider } = usePageParams('provider');
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const isSent = useRef(false);
  const finish = useCall(signOnApi, 'POST /auth/sign-on/finish', {
    onSuccess: async ({ outcome, next }) => {
      const target = readNext(next);
      if (outcome === 'second-factor') {
        await navigate({ to: '/sign-in', search: { next: target } as never, replace: true });
        return;
      }
      const message = told[outcome];
      if (message) notifications.show({ message });
      await queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
      await navigate({ href: target, replace: true });
    },
  });
  const { mutate } = finish;
  useEffect(() => {
    if (isSent.current) return;
    isSent.current = true; // a code works once, and effects may run twice
    const query = globalThis.location.search.slice(1);
    globalThis.history.replaceState(globalThis.history.state, '', globalThis.location.pathname);
    mutate({ body: { provider, query } });
  }, [mutate, provider]);
  if (!finish.isError) {
    return (
      <>
        <OpenPageTitle title="Signing in" />
        <Group gap="sm" role="status" mt="md">
          <Loader size="sm" />
          <Text size="sm">One moment: the provider’s answer is checked.</Text>
        </Group>
      </>
    );
  }
  return <Failure problem={finish.error} />;
}

/** These end linking or showing again who one is; whoever reads them is signed in already. */
const whileSignedIn = new Set(['SIGN_ON_LINKED_ELSEWHERE', 'SIGN_ON_WRONG_PERSON']);
/** These are worth reporting; the others say what to do themselves. */
const isWorthAnId = ({ code, status }: ApiProblem) => code === 'SIGN_ON_REFUSED' || status >= 500;

function Failure({ problem }: { readonly problem: ApiProblem }) {
  const isSignedIn = whileSignedIn.has(problem.code);
  const isCancelled = problem.code === 'SIGN_ON_CANCELLED';
  return (
    <>
      <OpenPageTitle title={isSignedIn ? 'Nothing was changed' : 'You were not signed in'} />
      <Stack mt="md">
        <Alert
          {...(isCancelled ? {} : { color: 'red' })}
          icon={isCancelled ? <IconInfoCircle size={18} /> : <IconAlertTriangle size={18} />}
          role="alert"
        >
          <Text size="sm">{problem.message}</Text>
        </Alert>
        {isWorthAnId(problem) ? <ErrorId id={problem.requestId} code={problem.code} /> : null}
        <Button component={Link} to={isSignedIn ? '/settings/security' : '/sign-in'}>
          {isSignedIn ? 'Back to Security' : 'Back to signing in'}
        </Button>
      </Stack>
    </>
  );
}
