/** /invitation#token=… shows what an invitation offers and lets one accept it: signed in, signing in, or new here. */
import { Alert, Button, Stack, Text } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiProblem, type CallOutput } from '../../api.ts';
import type { tenancyContract } from '../../../kernel/tenancy/contract.ts';
import { arriveAt, roleMeanings, roleNames, tenancyApi } from '../../organisation.ts';
import { authApi } from '../../session.ts';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { OpenPageTitle } from '../open-page-title.tsx';
import { forgetInvitationToken, readInvitationToken } from './invitation-token.ts';
import { JoinForm } from './join-form.tsx';

export type Offer = CallOutput<(typeof tenancyContract)['POST /invitation/open']>;
type Me = NonNullable<Offer['me']>;

export default function InvitationPage() {
  const [token] = useState(readInvitationToken);
  const offer = useQuery({
    queryKey: ['invitation', token],
    queryFn: () => tenancyApi('POST /invitation/open', { body: { token: token ?? '' } }),
    enabled: token !== null,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 0, // whoever comes back from signing in is somebody else
  });
  if (token === null) return <NoInvitation />;
  if (offer.isPending) return <LoadingRows />;
  if (offer.isError) {
    if (offer.error instanceof ApiProblem && deadCodes.has(offer.error.code)) return <NoInvitation />;
    return (
      <>
        <OpenPageTitle title="Invitation" />
        <ErrorState error={offer.error} onRetry={() => void offer.refetch()} />
      </>
    );
  }
  const { me } = offer.data;
  return (
    <>
      <Heading offer={offer.data} />
      {me ? <AcceptHere offer={offer.data} me={me} token={token} /> : <NewHere offer={offer.data} token={token} />}
    </>
  );
}

/** A link that was cut off is no token at all. */
const deadCodes = new Set(['INVITATION_INVALID', 'INVALID_REQUEST']);

/** Heading says to what one is invited: an organisation, or this server alone. */
function Heading({ offer: { invitedBy, organisationName, role } }: { readonly offer: Offer }) {
  if (organisationName === null || role === null) {
    return (
      <OpenPageTitle title="You are invited">
        {invitedBy ?? 'Somebody'} invites you to this server: with an account and an organisation of your own.
      </OpenPageTitle>
    );
  }
  return (
    <OpenPageTitle title={`Join ${organisationName}`}>
      {invitedBy ?? 'Somebody'} invites you as <strong>{roleNames[role].toLowerCase()}</strong> (
      {roleMeanings[role].toLowerCase()}).
    </OpenPageTitle>
  );
}

/** NoInvitation stands for links that are used, revoked, over, cut off or made up. */
function NoInvitation() {
  return (
    <>
      <OpenPageTitle title="This invitation does not work">
        It was used, revoked, replaced by a newer one, or its time is over. Ask the person who invited you for a new
        one, and open the whole link.
      </OpenPageTitle>
      <Button component={Link} to="/" variant="default" fullWidth>
        Go on to Bulkhead
      </Button>
    </>
  );
}

interface AcceptProps {
  readonly offer: Offer;
  readonly me: Me;
  readonly token: string;
}

function AcceptHere({ offer, me, token }: AcceptProps) {
  if (offer.organisationName === null) return <HereAlready me={me} />;
  return <AcceptAs offer={offer} me={me} token={token} />;
}

/** HereAlready stands for an invitation to the server, of which whoever has an account has no need. */
function HereAlready({ me }: Pick<AcceptProps, 'me'>) {
  return (
    <Stack>
      <Text size="sm">
        You have an account here already, as <strong>{me.email}</strong>. The invitation stays open for somebody else.
      </Text>
      <Button component={Link} to="/" onClick={forgetInvitationToken}>
        Go on to Bulkhead
      </Button>
    </Stack>
  );
}

function AcceptAs({ offer, me, token }: AcceptProps) {
  const accept = useMutation({
    mutationFn: () =>
      tenancyApi('POST /invitation/accept', { body: { token, acceptsOtherAddress: !me.isInvitedAddress } }),
    onSuccess: ({ id }) => {
      forgetInvitationToken();
      arriveAt(id);
    },
  });
  // The invitation stays in this tab's memory, and the page shows it again to whoever signs in.
  const signOut = useMutation({
    mutationFn: () => authApi('POST /auth/sign-out'),
    onSuccess: () => location.assign('/sign-in?next=/invitation'),
  });
  return (
    <Stack>
      {me.isMember ? <Text size="sm">You belong to this organisation already.</Text> : null}
      {me.isInvitedAddress || me.isMember ? null : (
        <Alert color="gray" icon={<IconAlertTriangle size={20} />} title="Sent to another address">
          The invitation was sent to <strong>{offer.email}</strong>, and you are signed in as{' '}
          <strong>{me.email}</strong>. Accept it with this account only if it is meant for you.
        </Alert>
      )}
      <FormProblem error={accept.error ?? signOut.error} />
      <Button loading={accept.isPending || accept.isSuccess} onClick={() => accept.mutate()}>
        {me.isMember ? 'Go there' : `Accept as ${me.email}`}
      </Button>
      <Button variant="default" loading={signOut.isPending} onClick={() => signOut.mutate()}>
        Use another account
      </Button>
    </Stack>
  );
}

function NewHere({ offer, token }: Omit<AcceptProps, 'me'>) {
  return (
    <Stack>
      <Button component={Link} to="/sign-in" search={{ next: '/invitation' } as never} variant="default">
        I have an account: sign in
      </Button>
      <Text size="sm" c="dimmed" ta="center">
        or create one
      </Text>
      <JoinForm offer={offer} token={token} />
    </Stack>
  );
}
