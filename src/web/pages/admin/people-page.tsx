/** The people of this server: found by name or address, with what they are and when they were here last. */
import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUser, IconUserPlus, IconUserSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { usePages } from '../../api-hooks.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { EmailAddress } from '../../ui/email-address.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { adminApi, type Person } from './admin-api.ts';
import { InvitePersonDialog } from './invite-person-dialog.tsx';
import { SearchBar } from './search-bar.tsx';
import { ServerInvitations } from './server-invitations.tsx';

const choices = [
  { value: 'all', label: 'Everybody' },
  { value: 'operators', label: 'Operators' },
  { value: 'disabled', label: 'Switched off' },
] as const;
type Choice = (typeof choices)[number]['value'];

export default function PeoplePage() {
  const [only, setOnly] = useState<Choice>('all');
  const [search, setSearch] = useState('');
  const [isInviting, setInviting] = useState(false);
  const [settled] = useDebouncedValue(search.trim(), 250);
  const people = usePages(adminApi, 'GET /admin/people', {
    query: { ...(only === 'all' ? {} : { only }), ...(settled ? { search: settled } : {}) },
  });
  return (
    <>
      <PageHeader
        title="People"
        description="Everybody with an account here. You see who they are and how they sign in, never what they write."
        actions={
          <Button leftSection={<IconUserPlus size={16} />} onClick={() => setInviting(true)}>
            Invite people
          </Button>
        }
      />
      <ServerInvitations />
      <SearchBar
        label="Which people"
        value={only}
        choices={choices}
        onChoose={setOnly}
        placeholder="Name or address"
        search={search}
        onSearch={setSearch}
      />
      <PagedList
        label="People"
        pages={people}
        itemKey={(person) => person.id}
        empty={
          <EmptyState icon={IconUserSearch} title="Nobody found">
            Nobody fits. Try a part of the name or the address, or invite whoever should come.
          </EmptyState>
        }
        renderItem={(person) => <PersonRow person={person} />}
      />
      <InvitePersonDialog isOpen={isInviting} onClose={() => setInviting(false)} />
    </>
  );
}

function PersonRow({ person }: { readonly person: Person }) {
  return (
    <DataRow
      to={`/admin/people/${person.id}`}
      icon={<IconUser size={22} stroke={1.5} />}
      title={person.isMe ? `${person.name} (you)` : person.name}
      description={
        <>
          <EmailAddress address={person.email} /> ·{' '}
          {person.lastSeenAt ? (
            <>
              seen <TimeAgo at={person.lastSeenAt} />
            </>
          ) : (
            'not signed in'
          )}
        </>
      }
      meta={<PersonBadges person={person} />}
    />
  );
}

/** PersonBadges say what is out of the ordinary about an account. */
export function PersonBadges({ person }: { readonly person: Person }) {
  return (
    <>
      {person.disabledAt ? <StatusBadge tone="bad">Switched off</StatusBadge> : null}
      {person.isOperator ? <StatusBadge tone="accent">Operator</StatusBadge> : null}
      {person.isEmailVerified ? null : <StatusBadge tone="neutral">Address not confirmed</StatusBadge>}
    </>
  );
}
