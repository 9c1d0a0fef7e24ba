/** Settings: the audit trail of the organisation; read, filtered, exported and verified, never changed. */
import { Button, Menu } from '@mantine/core';
import { IconDownload, IconListSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { usePages } from '../../api-hooks.ts';
import { apiRoot, buildPath } from '../../api.ts';
import { usePermission } from '../../session.ts';
import { PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { auditApi, useActionLabels, type AuditRecord } from './audit-api.ts';
import { AuditFilterBar } from './audit-filters.tsx';
import { AuditRecordDrawer } from './audit-record-drawer.tsx';
import { AuditRecordRow } from './audit-record-row.tsx';
import { toQuery, useAuditFilters, type AuditFilters } from './use-audit-filters.ts';
import { useVerification, VerificationResult, VerifyButton } from './verify-trail.tsx';

type Query = Omit<NonNullable<NonNullable<Parameters<typeof auditApi<'GET /audit-records'>>[1]>['query']>, 'limit'>;

export default function AuditPage() {
  const { filters, change, clear, clearings, count } = useAuditFilters();
  const query = toQuery(filters) as Query;
  const records = usePages(auditApi, 'GET /audit-records', { query });
  const { labels, isPending: areLabelsPending } = useActionLabels();
  const verification = useVerification();
  const [opened, setOpened] = useState<AuditRecord | null>(null);
  const filterOnly = (only: AuditFilters) => {
    setOpened(null);
    change({ ...Object.fromEntries(Object.keys(filters).map((name) => [name, ''])), ...only });
  };
  return (
    <>
      <PageHeader
        title="Audit trail"
        description="Who did what, when and from where. Records are only ever added, each chained to the one before, so that a later change shows."
        actions={
          <>
            <VerifyButton verification={verification} />
            <ExportMenu query={query} isFiltered={count > 0} />
          </>
        }
      />
      <VerificationResult verification={verification} />
      <AuditFilterBar filters={filters} count={count} clearings={clearings} onChange={change} onClear={clear} />
      <PagedList
        label="Audit records"
        pages={{ ...records, isPending: records.isPending || areLabelsPending }}
        itemKey={(record) => record.id}
        empty={<NoRecords isFiltered={count > 0} onClear={clear} />}
        renderItem={(record) => (
          <AuditRecordRow record={record} label={labels.get(record.action)} onOpen={() => setOpened(record)} />
        )}
      />
      <AuditRecordDrawer record={opened} onClose={() => setOpened(null)} onFilter={filterOnly} />
    </>
  );
}

function NoRecords({ isFiltered, onClear }: { readonly isFiltered: boolean; readonly onClear: () => void }) {
  if (!isFiltered)
    return (
      <EmptyState icon={IconListSearch} title="Nothing recorded yet">
        Signing in, changing settings, creating and deleting things: each act leaves a record here, written together
        with the act itself.
      </EmptyState>
    );
  return (
    <EmptyState
      icon={IconListSearch}
      title="No record fits"
      action={
        <Button variant="default" onClick={onClear}>
          Clear the filters
        </Button>
      }
    >
      Choose an action from the list, or write how its id begins, such as <code>agents.agent</code>. Both days count.
    </EmptyState>
  );
}

/** A download is a plain link: the browser writes it to disk as it comes, however long it is. */
function ExportMenu({ query, isFiltered }: { readonly query: Query; readonly isFiltered: boolean }) {
  const mayExport = usePermission('audit.record.export');
  if (!mayExport) return null;
  const linkTo = (format: string) => apiRoot + buildPath('/audit-records/export', {}, { ...query, format });
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="default" leftSection={<IconDownload size={16} />}>
          Export
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{isFiltered ? 'The records that fit the filters' : 'All records'}</Menu.Label>
        <Menu.Item component="a" href={linkTo('csv')} download>
          CSV, for spreadsheets
        </Menu.Item>
        <Menu.Item component="a" href={linkTo('ndjson')} download>
          NDJSON, with all that is hashed
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
