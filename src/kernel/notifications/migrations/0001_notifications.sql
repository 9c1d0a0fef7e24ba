-- What people should know: written in the transaction of what it tells of, passed on by push and mail as they like.

create table kernel.notifications (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  kind text not null check (kind ~ '^[a-z][a-z0-9.-]{0,79}$'),
  title text not null check (char_length(title) between 1 and 200),
  text text not null check (char_length(text) <= 2000),
  link text check (link ~ '^/([^/\\]|$)' and char_length(link) <= 1000),
  read_at timestamptz,
  passed_on_at timestamptz,
  created_at timestamptz not null default now()
);
create index notifications_list on kernel.notifications (tenant_id, owner_id, id desc);
create index notifications_unread on kernel.notifications (tenant_id, owner_id, id desc) where read_at is null;
create index notifications_to_pass_on on kernel.notifications (id) where passed_on_at is null;
create index notifications_created on kernel.notifications (created_at);
comment on table kernel.notifications is 'What a person should know, in an organisation.';
comment on column kernel.notifications.id is 'UUIDv7.';
comment on column kernel.notifications.tenant_id is 'Organisation in which it happened.';
comment on column kernel.notifications.owner_id is 'Person it is for; nobody else sees it.';
comment on column kernel.notifications.kind is 'Declared kind, such as agents.document.failed; people switch ways per kind.';
comment on column kernel.notifications.title is 'One line that says it all.';
comment on column kernel.notifications.text is 'More of it; may be empty.';
comment on column kernel.notifications.link is 'Path in this app where to see or mend it.';
comment on column kernel.notifications.read_at is 'When the person marked it read; null before.';
comment on column kernel.notifications.passed_on_at is 'When it was handed to push and mail; null until then.';
comment on column kernel.notifications.created_at is 'When it happened.';
select kernel.protect_personal_table('kernel.notifications');
-- Requests tell other people of their organisation, and read only what is their own.
create policy app_tells on kernel.notifications for insert to bulkhead_app
  with check (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));
create policy auth_tells on kernel.notifications for insert to bulkhead_auth with check (true);
grant insert on kernel.notifications to bulkhead_auth;

create table kernel.notification_choices (
  tenant_id uuid not null,
  owner_id uuid not null,
  kind text not null check (kind ~ '^[a-z][a-z0-9.-]{0,79}$'),
  in_app boolean not null,
  mail boolean not null,
  push boolean not null,
  updated_at timestamptz not null default now(),
  primary key (tenant_id, owner_id, kind)
);
comment on table kernel.notification_choices is 'How a person wants to be told of a kind; without a row the kind''s defaults hold.';
comment on column kernel.notification_choices.tenant_id is 'Organisation.';
comment on column kernel.notification_choices.owner_id is 'Person.';
comment on column kernel.notification_choices.kind is 'Declared kind.';
comment on column kernel.notification_choices.in_app is 'Listed in the app.';
comment on column kernel.notification_choices.mail is 'Sent by mail.';
comment on column kernel.notification_choices.push is 'Sent to the browsers that subscribed.';
comment on column kernel.notification_choices.updated_at is 'When it was chosen.';
select kernel.protect_personal_table('kernel.notification_choices');
