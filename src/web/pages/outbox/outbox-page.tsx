/** The outbox, for who runs the server: every outgoing mail with its state, its text where there is one, and another try. */
import { Alert, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconInfoCircle, IconMail, IconSearch } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { keyOf, queryOf, usePages } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { SearchBar } from '../admin/search-bar.tsx';
import { MailDrawer } from './mail-drawer.tsx';
import { MailStateBadge } from './mail-state-badge.tsx';
import { outboxApi, type MailItem, type MailState } from './outbox-api.ts';
import classes from './outbox.module.css';

type Filter = MailState | 'all';

export default function OutboxPage() {
  const [filter, setFilter] = useState<Filter>('all');
  const [search, setSearch] = useState('');
  const [settledSearch] = useDebouncedValue(search.trim(), 250);
  const [openId, setOpenId] = useState<string | null>(null);
  const status = useQuery({
    ...queryOf(outboxApi, 'GET /admin/outbox-status'),
    // While something waits, one looks at it to see it leave.
    refetchInterval: ({ state }) => ((state.data?.counts.waiting ?? 0) > 0 ? 5_000 : false),
  });
  const mails = usePages(outboxApi, 'GET /admin/outbox', {
    query: { ...(filter === 'all' ? {} : { state: filter }), ...(settledSearch ? { search: settledSearch } : {}) },
  });
  const counts = status.data?.counts;
  useRefreshOnChange(JSON.stringify(counts));
  const label = (name: string, count = 0) => (count > 0 ? `${name} ${count}` : name);
  return (
    <>
      <PageHeader
        title="Outbox"
        description="Mail that this server sends: invitations, confirmations, notifications. Opening a message is on record."
      />
      {status.data && !status.data.isConfigured ? (
        <Alert color="gray" icon={<IconInfoCircle size={18} />} mb="md" py="xs">
          <Text size="sm">
            There is no mail server yet, so messages are kept here: open one, and pass its link on yourself. To have
            mail sent, set MAIL_SMTP_URL and MAIL_FROM and restart the server.
          </Text>
        </Alert>
      ) : null}
      <SearchBar
        label="Which messages"
        value={filter}
        choices={[
          { value: 'all', label: 'All' },
          { value: 'waiting', label: label('Waiting', counts?.waiting) },
          { value: 'kept', label: label('Kept', counts?.kept) },
          { value: 'failed', label: label('Failed', counts?.failed) },
          { value: 'sent', label: 'Sent' },
        ]}
        onChoose={setFilter}
        placeholder="Address or subject"
        search={search}
        onSearch={setSearch}
      />
      <PagedList
        label="Outgoing mail"
        pages={mails}
        itemKey={(mail) => mail.id}
        empty={<NothingHere isFiltered={filter !== 'all' || settledSearch !== ''} />}
        renderItem={(mail) => <MailRow mail={mail} onOpen={() => setOpenId(mail.id)} />}
      />
      <MailDrawer mailId={openId} isConfigured={status.data?.isConfigured ?? false} onClose={() => setOpenId(null)} />
    </>
  );
}

/** useRefreshOnChange loads the list again when a message has changed its state. */
function useRefreshOnChange(counts: string | undefined): void {
  const queryClient = useQueryClient();
  const known = useRef(counts);
  useEffect(() => {
    if (counts === undefined || counts === known.current) return;
    const isFirst = known.current === undefined;
    known.current = counts;
    if (!isFirst) void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/outbox') });
  }, [counts, queryClient]);
}

function NothingHere({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <EmptyState icon={IconSearch} title="Nothing found">
        No message matches. Try another state, or a part of the address or the subject.
      </EmptyState>
    );
  return (
    <EmptyState icon={IconMail} title="No mail yet">
      Invitations, confirmations and notifications show up here the moment they are written, with what became of them.
    </EmptyState>
  );
}

function MailRow({ mail, onOpen }: { readonly mail: MailItem; readonly onOpen: () => void }) {
  return (
    <DataRow
      icon={<IconMail size={22} stroke={1.5} />}
      title={
        <button type="button" className={classes.open} onClick={onOpen}>
          {mail.subject}
        </button>
      }
      description={
        <>
          {mail.to} · <TimeAgo at={mail.createdAt} />
        </>
      }
      meta={<MailStateBadge state={mail.state} attempts={mail.attempts} />}
      below={mail.lastError ? <span className={classes.error}>{mail.lastError}</span> : null}
    />
  );
}
