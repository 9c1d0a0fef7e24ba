/** /setup#token=… creates the owner of a new server; without a good link it says where to find one. */
import { Button, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { authApi, sessionQuery, setupQuery } from '../session.ts';
import { ErrorState, LoadingRows } from '../ui/states.tsx';
import { AccountForm } from './account-form.tsx';
import { OpenPageTitle } from './open-page-title.tsx';

export default function SetupPage() {
  const setup = useQuery(setupQuery);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [token] = useState(() => new URLSearchParams(location.hash.slice(1)).get('token'));
  if (setup.isPending) return <LoadingRows />;
  if (setup.isError) return <ErrorState error={setup.error} onRetry={() => void setup.refetch()} />;
  if (!setup.data.isOpen) {
    return (
      <>
        <OpenPageTitle title="Already set up">This server has its owner. The link works only once.</OpenPageTitle>
        <Button component={Link} to="/sign-in" fullWidth>
          Sign in
        </Button>
      </>
    );
  }
  if (!token) return <NoToken />;
  return (
    <>
      <OpenPageTitle title="Welcome aboard">
        Create the owner’s account. It manages this server; others can be added later.
      </OpenPageTitle>
      <AccountForm
        demands={setup.data.passwordPolicy}
        submitLabel="Create the owner"
        onSubmit={async (account) => {
          const session = await authApi('POST /setup', { body: { token, ...account } });
          queryClient.setQueryData(sessionQuery.queryKey, session);
          void queryClient.invalidateQueries({ queryKey: setupQuery.queryKey });
          await navigate({ to: '/', replace: true }); // also takes the token out of the address and the history
        }}
      />
    </>
  );
}

/** NoToken explains where the one-time link is. */
function NoToken() {
  return (
    <OpenPageTitle title="Open the setup link">
      This server waits for its owner. Open the link it printed when it started: it ends in <code>/setup#token=…</code>
      <Text size="sm" c="dimmed" mt="sm" component="span" display="block">
        The link is gone from the screen? Restart the server; it prints a new one, and the old one stops working.
      </Text>
    </OpenPageTitle>
  );
}
