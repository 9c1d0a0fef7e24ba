-- Processes that execute runs and jobs, and when each last said that it is alive.
create table kernel.executors (
  id uuid primary key,
  host text not null,
  pid integer not null,
  role text not null,
  session_name text not null,
  started_at timestamptz not null default now(),
  heartbeat_at timestamptz not null default now()
);
comment on table kernel.executors is 'Processes that execute runs and jobs; one row per start of a process.';
comment on column kernel.executors.id is 'Executor id, new at every start.';
comment on column kernel.executors.host is 'Name of the machine.';
comment on column kernel.executors.pid is 'Process id on that machine.';
comment on column kernel.executors.role is 'Role of the process: all, web or worker.';
comment on column kernel.executors.session_name is 'Name of its listening session in pg_stat_activity; gone when the process is killed.';
comment on column kernel.executors.started_at is 'When the process started.';
comment on column kernel.executors.heartbeat_at is 'When the process last reported; stale after a few seconds means dead.';
create index executors_heartbeat_at on kernel.executors (heartbeat_at);
grant select, insert, update, delete on kernel.executors to bulkhead_system;
