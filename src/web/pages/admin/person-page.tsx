/** One account: where it belongs, how it signs in, and what who runs the server can do about it. */
import { Anchor, Button, Card, Group, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { roleNames } from '../../organisation.ts';
import { usePageParams } from '../../page-params.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataList, DataRow } from '../../ui/data-list.tsx';
import { FactList } from '../../ui/fact-list.tsx';
import { formatTime } from '../../ui/format.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { EmailAddress } from '../../ui/email-address.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { adminApi, type PersonDetail } from './admin-api.ts';
import { PersonBadges } from './people-page.tsx';

export default function PersonPage() {
  const { personId } = usePageParams('personId');
  const person = useQuery(queryOf(adminApi, 'GET /admin/people/{personId}', { params: { personId } }));
  return (
    <>
      <PageHeader
        title={person.data?.name ?? 'Person'}
        back={
          <Anchor component={Link} to="/admin/people" size="sm">
            People
          </Anchor>
        }
      />
      {person.isPending ? <LoadingRows /> : null}
      {person.error ? <ErrorState error={person.error} onRetry={() => void person.refetch()} /> : null}
      {person.data ? <Content person={person.data} /> : null}
    </>
  );
}

function meansOf({ means }: PersonDetail): string {
  const parts = [
    means.password ? 'Password' : '',
    means.passkeys > 0 ? `${means.passkeys} ${means.passkeys === 1 ? 'passkey' : 'passkeys'}` : '',
    means.authenticator ? 'authenticator app' : '',
    ...means.providers,
    means.apiKeys > 0 ? `${means.apiKeys} API ${means.apiKeys === 1 ? 'key' : 'keys'}` : '',
  ].filter((part) => part !== '');
  return parts.length > 0 ? parts.join(', ') : 'None';
}

function Content({ person }: { readonly person: PersonDetail }) {
  return (
    <Stack gap="md">
      <Card>
        <FactList hasWideTerms>
          <dt>State</dt>
          <dd>
            <Group gap="xs">
              {person.disabledAt ? null : <StatusBadge tone="good">Can sign in</StatusBadge>}
              <PersonBadges person={person} />
            </Group>
          </dd>
          <dt>Address</dt>
          <dd>
            <EmailAddress address={person.email} />
          </dd>
          {person.username ? (
            <>
              <dt>Username</dt>
              <dd>{person.username}</dd>
            </>
          ) : null}
          <dt>Signs in with</dt>
          <dd>{meansOf(person)}</dd>
          <dt>Signed in</dt>
          <dd>
            {person.sessions === 0
              ? 'Nowhere'
              : `On ${person.sessions} ${person.sessions === 1 ? 'device' : 'devices'}`}
            {person.lastSeenAt ? (
              <>
                , seen <TimeAgo at={person.lastSeenAt} />
              </>
            ) : null}
          </dd>
          <dt>Account made</dt>
          <dd>{formatTime(person.createdAt)}</dd>
          {person.disabledAt ? (
            <>
              <dt>Switched off</dt>
              <dd>{formatTime(person.disabledAt)}</dd>
            </>
          ) : null}
        </FactList>
      </Card>
      <Acts person={person} />
      <section aria-labelledby="organisations">
        <Title order={2} id="organisations" mb="sm">
          Organisations
        </Title>
        <DataList
          label="Organisations"
          items={person.organisations}
          itemKey={(organisation) => organisation.id}
          isLoading={false}
          empty={<Text size="sm">This person belongs to no organisation.</Text>}
          renderItem={(organisation) => (
            <DataRow
              to={`/admin/organisations/${organisation.id}`}
              title={organisation.name}
              description={organisation.isPersonal ? 'Personal' : 'Shared'}
              meta={roleNames[organisation.role]}
            />
          )}
        />
      </section>
    </Stack>
  );
}

type Act = 'sessions' | 'reset' | 'state' | 'operator';

/** textOf asks before each act: what happens, in the words of who is about to do it. */
function textOf(act: Act, { disabledAt, email, isOperator, name }: PersonDetail) {
  if (act === 'sessions')
    return {
      title: `Sign ${name} out everywhere?`,
      text: 'All browsers and devices have to sign in again. API keys go on working.',
      label: 'Sign out everywhere',
    };
  if (act === 'reset')
    return {
      title: `Send ${name} a link for a new password?`,
      text: `The link goes to ${email}, works once, and for an hour. The old password works until then.`,
      label: 'Send the link',
    };
  if (act === 'state')
    return disabledAt
      ? { title: `Switch ${name}’s account on?`, text: 'The person can sign in again as before.', label: 'Switch on' }
      : {
          title: `Switch ${name}’s account off?`,
          text: 'The person is signed out everywhere at once and cannot sign in, nor can their API keys. Nothing is deleted.',
          label: 'Switch off',
        };
  return isOperator
    ? {
        title: `Should ${name} no longer run this server?`,
        text: 'The account stays as it is otherwise.',
        label: 'Take it away',
      }
    : {
        title: `Should ${name} run this server too?`,
        text: 'Operators see all accounts and organisations, change plans and flags, and can put you out as well.',
        label: 'Make an operator',
      };
}

function useActs(person: PersonDetail, onDone: (message: string) => void) {
  const onSuccess = (message: string) => () => onDone(message);
  return {
    sessions: useCall(adminApi, 'POST /admin/people/{personId}/end-sessions', {
      onSuccess: ({ ended }) => onDone(`Signed out of ${ended} ${ended === 1 ? 'device' : 'devices'}`),
    }),
    reset: useCall(adminApi, 'POST /admin/people/{personId}/password-reset', {
      onSuccess: onSuccess(`The link is on its way to ${person.email}`),
    }),
    state: useCall(adminApi, 'PUT /admin/people/{personId}/state', {
      onSuccess: onSuccess(person.disabledAt ? 'The account is on again' : 'The account is off'),
    }),
    operator: useCall(adminApi, 'PUT /admin/people/{personId}/operator', { onSuccess: onSuccess('Changed') }),
  };
}

function Acts({ person }: { readonly person: PersonDetail }) {
  const queryClient = useQueryClient();
  const [act, setAct] = useState<Act | null>(null);
  const calls = useActs(person, (message) => {
    setAct(null);
    notifications.show({ message });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/people/{personId}') });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/people') });
  });
  const params = { personId: person.id };
  const confirm = (which: Act) => {
    if (which === 'sessions') calls.sessions.mutate({ params });
    if (which === 'reset') calls.reset.mutate({ params });
    if (which === 'state') calls.state.mutate({ params, body: { isDisabled: person.disabledAt === null } });
    if (which === 'operator') calls.operator.mutate({ params, body: { isOperator: !person.isOperator } });
  };
  const shown = act ?? 'sessions';
  const { label, text, title } = textOf(shown, person);
  const open = (which: Act) => () => {
    calls[which].reset();
    setAct(which);
  };
  const isOff = person.disabledAt !== null;
  return (
    <Group gap="xs">
      <Button variant="default" disabled={person.sessions === 0} onClick={open('sessions')}>
        Sign out everywhere
      </Button>
      <Button variant="default" disabled={isOff} onClick={open('reset')}>
        Send password link
      </Button>
      <Button variant="default" disabled={isOff} onClick={open('operator')}>
        {person.isOperator ? 'No longer an operator' : 'Make an operator'}
      </Button>
      {person.isMe ? null : (
        <Button variant="default" c={isOff ? undefined : 'var(--mantine-color-error)'} onClick={open('state')}>
          {isOff ? 'Switch on' : 'Switch off'}
        </Button>
      )}
      <ConfirmDialog
        isOpen={act !== null}
        title={title}
        confirmLabel={label}
        isReversible={shown === 'reset' || isOff || (shown === 'operator' && !person.isOperator)}
        isBusy={calls[shown].isPending}
        error={calls[shown].error}
        onConfirm={() => confirm(shown)}
        onClose={() => setAct(null)}
      >
        {text}
      </ConfirmDialog>
    </Group>
  );
}
