/** /sign-up, where the server takes new accounts; elsewhere it says whom to ask. */
import { Anchor, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { authApi, sessionQuery, setupQuery } from '../session.ts';
import { ErrorState, LoadingRows } from '../ui/states.tsx';
import { AccountForm } from './account-form.tsx';
import { OpenPageTitle } from './open-page-title.tsx';
import { ProviderButtons } from './sign-on/provider-buttons.tsx';

export default function SignUpPage() {
  const setup = useQuery(setupQuery);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  if (setup.isPending) return <LoadingRows />;
  if (setup.isError) return <ErrorState error={setup.error} onRetry={() => void setup.refetch()} />;
  const signIn = (
    <Text size="sm" ta="center">
      Already have an account?{' '}
      <Anchor component={Link} to="/sign-in" inherit>
        Sign in
      </Anchor>
    </Text>
  );
  if (!setup.data.isSignUpOpen) {
    return (
      <>
        <OpenPageTitle title="By invitation">
          This server does not take new accounts by itself. Ask its owner to invite you.
        </OpenPageTitle>
        {signIn}
      </>
    );
  }
  return (
    <>
      <OpenPageTitle title="Create an account" />
      <AccountForm
        demands={setup.data.passwordPolicy}
        submitLabel="Create the account"
        footer={
          <>
            <ProviderButtons />
            {signIn}
          </>
        }
        onSubmit={async (account) => {
          const session = await authApi('POST /auth/sign-up', { body: account });
          queryClient.setQueryData(sessionQuery.queryKey, session);
          await navigate({ to: '/', replace: true });
        }}
      />
    </>
  );
}
