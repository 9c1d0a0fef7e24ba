/** /verify-email#token=… shows that an address is one's own; opened by a person, not by a scanner that follows links. */
import { Button, Stack } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { sessionQuery } from '../../session.ts';
import { FormProblem } from '../../ui/states.tsx';
import { OpenPageTitle } from '../open-page-title.tsx';
import { mailProofsApi, readToken } from './mail-proofs-api.ts';

export default function VerifyEmailPage() {
  const [token] = useState(readToken);
  const queryClient = useQueryClient();
  const verify = useCall(mailProofsApi, 'POST /auth/email-verification/finish', {
    onSuccess: () => queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey }),
  });
  if (verify.isSuccess) {
    return (
      <>
        <OpenPageTitle title="Thank you">
          <strong>{verify.data.email}</strong>{' '}
          {verify.data.isNewAddress ? 'is now the address you sign in with.' : 'is confirmed as yours.'}
        </OpenPageTitle>
        <Button component={Link} to="/" fullWidth>
          Go on
        </Button>
      </>
    );
  }
  if (token === null || (verify.error && deadCodes.has(verify.error.code))) return <DeadLink />;
  return (
    <>
      <OpenPageTitle title="Confirm your address">One click, and we know that this mailbox is yours.</OpenPageTitle>
      <Stack gap="sm">
        <FormProblem error={verify.error} />
        <Button loading={verify.isPending} onClick={() => verify.mutate({ body: { token } })}>
          Confirm the address
        </Button>
        <Button component={Link} to="/" variant="default">
          Not now
        </Button>
      </Stack>
    </>
  );
}

/** A link that was cut off is no token at all. */
const deadCodes = new Set(['MAIL_LINK_INVALID', 'INVALID_REQUEST']);

function DeadLink() {
  return (
    <>
      <OpenPageTitle title="This link does not work any more">
        It was used, replaced by a newer one, cut off, or its time is over. Your profile sends you another.
      </OpenPageTitle>
      <Button component={Link} to="/settings/profile" fullWidth>
        Go to your profile
      </Button>
    </>
  );
}
