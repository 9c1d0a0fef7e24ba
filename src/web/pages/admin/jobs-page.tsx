/** Background jobs: what runs, what failed and why, once more or no further. */
import { Button } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconRefresh, IconSearch, IconSettingsAutomation } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, FormProblem } from '../../ui/states.tsx';
import { StatusBadge, type Tone } from '../../ui/status-badge.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { adminApi, type Job } from './admin-api.ts';
import classes from './admin.module.css';
import { SearchBar } from './search-bar.tsx';

const choices = [
  { value: 'all', label: 'All' },
  { value: 'running', label: 'Running' },
  { value: 'waiting', label: 'Waiting' },
  { value: 'failed', label: 'Failed' },
  { value: 'cancelled', label: 'Cancelled' },
  { value: 'done', label: 'Done' },
] as const;
type Choice = (typeof choices)[number]['value'];

const tones: Readonly<Record<Job['state'], Tone>> = {
  running: 'working',
  waiting: 'neutral',
  done: 'good',
  failed: 'bad',
  cancelled: 'warning',
};

export default function JobsPage() {
  const [state, setState] = useState<Choice>('all');
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search.trim(), 250);
  const jobs = usePages(adminApi, 'GET /admin/jobs', {
    query: { ...(state === 'all' ? {} : { state }), ...(settled ? { search: settled } : {}) },
  });
  const isFiltered = state !== 'all' || settled !== '';
  return (
    <>
      <PageHeader
        title="Jobs"
        description="Work that goes on in the background: reading documents, making copies, deleting. What a job was given is not shown."
        actions={
          <Button
            variant="default"
            leftSection={<IconRefresh size={16} />}
            loading={jobs.isRefetching}
            onClick={() => void jobs.refetch()}
          >
            Look now
          </Button>
        }
      />
      <SearchBar
        label="Which jobs"
        value={state}
        choices={choices}
        onChoose={setState}
        placeholder="Title, name or id"
        search={search}
        onSearch={setSearch}
      />
      <PagedList
        label="Jobs"
        pages={jobs}
        itemKey={(job) => job.id}
        empty={
          <EmptyState
            icon={isFiltered ? IconSearch : IconSettingsAutomation}
            title={isFiltered ? 'Nothing found' : 'No jobs yet'}
          >
            {isFiltered
              ? 'No job fits. Try another state, or a part of its name.'
              : 'As soon as somebody uploads a document or asks for a copy of their data, the work shows up here.'}
          </EmptyState>
        }
        renderItem={(job) => <JobRow job={job} />}
      />
    </>
  );
}

function JobRow({ job }: { readonly job: Job }) {
  const queryClient = useQueryClient();
  const onSettled = () => void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/jobs') });
  const retry = useCall(adminApi, 'POST /admin/jobs/{jobId}/retry', { onSettled });
  const cancel = useCall(adminApi, 'POST /admin/jobs/{jobId}/cancel', { onSettled });
  const params = { jobId: job.id };
  const mayRetry = job.state === 'failed' || job.state === 'cancelled';
  const mayCancel = job.state === 'running' || job.state === 'waiting';
  return (
    <>
      <DataRow
        title={job.title ?? job.name}
        description={
          <>
            <TimeAgo at={job.updatedAt} /> · <span className={classes.id}>{job.name}</span> ·{' '}
            <span className={classes.id}>{job.id}</span>
          </>
        }
        meta={
          <StatusBadge tone={tones[job.state]}>{choices.find(({ value }) => value === job.state)?.label}</StatusBadge>
        }
        actions={
          <>
            {mayRetry ? (
              <Button size="xs" variant="default" loading={retry.isPending} onClick={() => retry.mutate({ params })}>
                Try again
              </Button>
            ) : null}
            {mayCancel ? (
              <Button size="xs" variant="default" loading={cancel.isPending} onClick={() => cancel.mutate({ params })}>
                Stop
              </Button>
            ) : null}
          </>
        }
        below={job.error ? <span className={classes.error}>{job.error}</span> : null}
      />
      <FormProblem error={retry.error ?? cancel.error} />
    </>
  );
}
