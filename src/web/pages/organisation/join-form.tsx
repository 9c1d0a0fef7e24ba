/** JoinForm creates an account that belongs to the organisation which invites, if one does, in one step. */
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiProblem } from '../../api.ts';
import { authApi, sessionQuery, setupQuery } from '../../session.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { AccountForm, type NewAccount } from '../account-form.tsx';
import type { Offer } from './invitation-page.tsx';
import { forgetInvitationToken } from './invitation-token.ts';

export function JoinForm({ offer, token }: { readonly offer: Offer; readonly token: string }) {
  const setup = useQuery(setupQuery);
  const queryClient = useQueryClient();
  const navigate = useNavigate();
  const [otherAddress, setOtherAddress] = useState<NewAccount | null>(null);
  const [failure, setFailure] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const join = async (account: NewAccount, acceptsOtherAddress: boolean) => {
    const session = await authApi('POST /auth/sign-up', {
      body: { ...account, invitation: { token, acceptsOtherAddress } },
    });
    forgetInvitationToken();
    queryClient.setQueryData(sessionQuery.queryKey, session);
    await navigate({ to: '/', replace: true }); // also takes the token out of the address and the history
  };
  const submit = async (account: NewAccount) => {
    try {
      await join(account, false);
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'INVITATION_FOR_ANOTHER_ADDRESS') throw error;
      setFailure(null);
      setOtherAddress(account);
    }
  };
  const confirm = async () => {
    if (!otherAddress) return;
    setBusy(true);
    try {
      await join(otherAddress, true);
    } catch (error) {
      setFailure(error);
    } finally {
      setBusy(false);
    }
  };
  if (setup.isPending) return <LoadingRows />;
  if (setup.isError) return <ErrorState error={setup.error} onRetry={() => void setup.refetch()} />;
  return (
    <>
      <AccountForm
        demands={setup.data.passwordPolicy}
        submitLabel={offer.organisationName === null ? 'Create the account' : 'Create the account and join'}
        email={offer.email ?? ''}
        onSubmit={submit}
      />
      <ConfirmDialog
        isOpen={otherAddress !== null}
        title="Accept with another address?"
        confirmLabel="Accept"
        isReversible
        isBusy={isBusy}
        error={failure}
        onConfirm={() => void confirm()}
        onClose={() => setOtherAddress(null)}
      >
        The invitation was sent to {offer.email}. You are about to accept it as {otherAddress?.email}.
      </ConfirmDialog>
    </>
  );
}
