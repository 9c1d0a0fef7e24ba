-- Mail on its way: written in the transaction of what it tells of, sent after the commit.

create table kernel.mail_messages (
  id uuid primary key,
  tenant_id uuid not null,
  kind text not null check (kind ~ '^[a-z][a-z0-9.-]{0,79}$'),
  recipient text not null check (char_length(recipient) between 3 and 254),
  recipient_key text not null,
  subject text not null check (char_length(subject) between 1 and 300),
  body_text text,
  body_html text,
  state text not null check (state in ('kept', 'waiting', 'sent', 'failed')),
  attempts integer not null default 0 check (attempts >= 0),
  due_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '1 day',
  lease_id uuid,
  last_error text,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((state in ('sent', 'failed')) = (finished_at is not null))
);
create index mail_messages_due on kernel.mail_messages (due_at) where state = 'waiting';
create index mail_messages_by_state on kernel.mail_messages (state, id desc);
create index mail_messages_recent on kernel.mail_messages (recipient_key, finished_at) where state = 'sent';
create index mail_messages_by_tenant on kernel.mail_messages (tenant_id, id desc);
create index mail_messages_created on kernel.mail_messages (created_at);

comment on table kernel.mail_messages is 'Mail on its way out, and what became of it.';
comment on column kernel.mail_messages.id is 'UUIDv7; the Message-ID is made from it, so that a message sent twice can be told.';
comment on column kernel.mail_messages.tenant_id is 'Organisation in whose name it is sent; the nil UUID for the server itself. No foreign key, because the organisation may be gone first.';
comment on column kernel.mail_messages.kind is 'What it is for, such as auth.password-reset.';
comment on column kernel.mail_messages.recipient is 'Address it goes to.';
comment on column kernel.mail_messages.recipient_key is 'Same mailbox, same key: lower case, without +tag. What the limit per recipient counts.';
comment on column kernel.mail_messages.subject is 'Subject line.';
comment on column kernel.mail_messages.body_text is 'Body as plain text; erased once a mail server has taken the message.';
comment on column kernel.mail_messages.body_html is 'Body as HTML, when there is one; erased likewise.';
comment on column kernel.mail_messages.state is 'kept: there was no mail server. waiting: to be sent. sent: the mail server took it. failed: given up.';
comment on column kernel.mail_messages.attempts is 'Tries so far, the one under way included.';
comment on column kernel.mail_messages.due_at is 'When to try next; during a try, when its lease runs out.';
comment on column kernel.mail_messages.expires_at is 'When to give up.';
comment on column kernel.mail_messages.lease_id is 'The try that may settle it; a later claim takes that right away.';
comment on column kernel.mail_messages.last_error is 'Why the last try failed, in the words of the mail server.';
comment on column kernel.mail_messages.created_at is 'When it was queued.';
comment on column kernel.mail_messages.finished_at is 'When it was sent or given up.';

-- Whoever works for a request may send, and read nothing: a message may hold a link that signs somebody in.
alter table kernel.mail_messages enable row level security;
alter table kernel.mail_messages force row level security;
create policy app_queues on kernel.mail_messages for insert to bulkhead_app
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy auth_queues on kernel.mail_messages for insert to bulkhead_auth with check (true);
create policy system_access on kernel.mail_messages to bulkhead_system using (true) with check (true);
create policy owner_maintenance on kernel.mail_messages to current_user using (true) with check (true);
grant insert on kernel.mail_messages to bulkhead_app, bulkhead_auth;
grant select, insert, update, delete on kernel.mail_messages to bulkhead_system;
