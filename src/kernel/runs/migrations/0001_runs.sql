-- Durable runs: the row is the truth about a run's state, the journal holds its events, run_steps what is finished.
create table kernel.runs (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  workflow text not null,
  subject text not null,
  exclusive_key text not null,
  input jsonb not null,
  state text not null check (state in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  attempt integer not null,
  executor_id uuid,
  cancel_requested_at timestamptz,
  error_code text,
  done_seq integer,
  done_data json,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  journal_pruned_at timestamptz,
  unique (tenant_id, id),
  check ((state in ('queued', 'running')) = (finished_at is null)),
  check (state <> 'running' or executor_id is not null)
);
comment on table kernel.runs is 'Durable pieces of work that people wait for. State, attempt and executor together are the lease.';
comment on column kernel.runs.id is 'Run id.';
comment on column kernel.runs.tenant_id is 'Organisation.';
comment on column kernel.runs.owner_id is 'Person on whose behalf it runs; nobody else sees it.';
comment on column kernel.runs.workflow is 'Registered name of the code that executes it, with its version.';
comment on column kernel.runs.subject is 'What it is about, such as conversation:<id>.';
comment on column kernel.runs.exclusive_key is 'At most one active run per organisation and key.';
comment on column kernel.runs.input is 'Input of the workflow.';
comment on column kernel.runs.state is 'queued, running, succeeded, failed or cancelled.';
comment on column kernel.runs.attempt is 'Fencing token: raised by each claim; writes of an older attempt are refused.';
comment on column kernel.runs.executor_id is 'Process that holds the run; stale when that process is dead.';
comment on column kernel.runs.cancel_requested_at is 'When its owner asked to stop it.';
comment on column kernel.runs.error_code is 'Code of the failure, when it failed.';
comment on column kernel.runs.done_seq is 'Sequence number of the done event within the last attempt.';
comment on column kernel.runs.done_data is 'Data of the done event, with its step; outlives the journal.';
comment on column kernel.runs.created_at is 'When it was accepted.';
comment on column kernel.runs.finished_at is 'When it became final.';
create unique index runs_one_active on kernel.runs (tenant_id, exclusive_key) where state in ('queued', 'running');
create index runs_active on kernel.runs (state, executor_id) where state in ('queued', 'running');
create index runs_by_owner on kernel.runs (tenant_id, owner_id, created_at desc, id);
comment on column kernel.runs.journal_pruned_at is 'When its journal and steps were deleted; the done data stays.';
create index runs_to_prune on kernel.runs (finished_at) where finished_at is not null and journal_pruned_at is null;
select kernel.protect_personal_table('kernel.runs');

create table kernel.run_steps (
  tenant_id uuid not null,
  owner_id uuid not null,
  run_id uuid not null,
  ordinal integer not null,
  name text not null,
  attempt integer not null,
  result jsonb,
  recorded_at timestamptz not null default now(),
  primary key (tenant_id, run_id, ordinal),
  foreign key (tenant_id, run_id) references kernel.runs (tenant_id, id) on delete cascade
);
comment on table kernel.run_steps is 'Results of finished steps; a step found here is not executed again.';
comment on column kernel.run_steps.tenant_id is 'Organisation.';
comment on column kernel.run_steps.owner_id is 'Owner of the run.';
comment on column kernel.run_steps.run_id is 'Run.';
comment on column kernel.run_steps.ordinal is 'Place of the step in its run, from 0.';
comment on column kernel.run_steps.name is 'Name of the step; a different name at the same place means the code changed.';
comment on column kernel.run_steps.attempt is 'Attempt that finished it.';
comment on column kernel.run_steps.result is 'What the step returned, as JSON.';
comment on column kernel.run_steps.recorded_at is 'When it was recorded.';
select kernel.protect_personal_table('kernel.run_steps');

create table kernel.run_events (
  tenant_id uuid not null,
  owner_id uuid not null,
  run_id uuid not null,
  attempt integer not null,
  first_seq integer not null,
  last_seq integer not null,
  -- json, not jsonb: a replay must be what was sent live, to the byte
  events json not null,
  created_at timestamptz not null default now(),
  primary key (tenant_id, run_id, attempt, first_seq),
  foreign key (tenant_id, run_id) references kernel.runs (tenant_id, id) on delete cascade,
  check (last_seq >= first_seq)
);
comment on table kernel.run_events is 'The journal: events of runs in order, several to a row (what one flush collected).';
comment on column kernel.run_events.tenant_id is 'Organisation.';
comment on column kernel.run_events.owner_id is 'Owner of the run.';
comment on column kernel.run_events.run_id is 'Run.';
comment on column kernel.run_events.attempt is 'Attempt the events belong to; first part of their ids.';
comment on column kernel.run_events.first_seq is 'Sequence number of the first event in the row.';
comment on column kernel.run_events.last_seq is 'Sequence number of the last event in the row.';
comment on column kernel.run_events.events is 'Array of [type, data] pairs, one per sequence number.';
comment on column kernel.run_events.created_at is 'When the row was flushed.';
select kernel.protect_personal_table('kernel.run_events');
