-- A line that names somebody else goes when they are erased, whoever it was written for.
alter table kernel.notifications add column about_id uuid;
comment on column kernel.notifications.about_id is 'Another person whom title or text name; null when they name nobody else.';
create index notifications_about on kernel.notifications (about_id) where about_id is not null;
