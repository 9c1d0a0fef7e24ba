-- An archive arrives in pieces, so that a broken connection costs a piece and not the upload, and so that no proxy's
-- limit on one request is in the way. Whatever ends the pieces ends their bytes.

alter table kernel.imports add column filename text not null default '' check (char_length(filename) <= 255);
alter table kernel.imports add column size_bytes bigint check (size_bytes >= 0);
alter table kernel.imports add column received_bytes bigint not null default 0 check (received_bytes >= 0);
alter table kernel.imports add column touched_at timestamptz not null default now();
alter table kernel.imports add unique (tenant_id, id);
alter table kernel.imports drop constraint imports_state_check;
alter table kernel.imports add constraint imports_state_check
  check (state in ('receiving', 'queued', 'running', 'done', 'failed'));
comment on column kernel.imports.filename is 'Name of the archive where it came from, so that its person knows which to go on with.';
comment on column kernel.imports.size_bytes is 'Size of the archive as announced; null for those before this column.';
comment on column kernel.imports.received_bytes is 'How much of it has arrived.';
comment on column kernel.imports.touched_at is 'When a piece last arrived; an upload that nobody goes on with ends.';
comment on column kernel.imports.state is 'receiving, queued, running, done or failed.';
drop index kernel.imports_one_at_a_time;
create unique index imports_one_at_a_time on kernel.imports (owner_id) where state in ('receiving', 'queued', 'running');
create index imports_receiving on kernel.imports (touched_at) where state = 'receiving';

create table kernel.import_parts (
  tenant_id uuid not null,
  owner_id uuid not null,
  import_id uuid not null,
  first_byte bigint not null check (first_byte >= 0),
  object_id uuid not null,
  size_bytes bigint not null check (size_bytes > 0),
  primary key (tenant_id, import_id, first_byte),
  foreign key (tenant_id, import_id) references kernel.imports (tenant_id, id) on delete cascade
);
create index import_parts_owner on kernel.import_parts (owner_id);
comment on table kernel.import_parts is 'Pieces of archives, until they have been read.';
comment on column kernel.import_parts.tenant_id is 'Organisation the data comes into.';
comment on column kernel.import_parts.owner_id is 'Who brings it.';
comment on column kernel.import_parts.import_id is 'The import it belongs to.';
comment on column kernel.import_parts.first_byte is 'Where in the archive it begins.';
comment on column kernel.import_parts.object_id is 'Its bytes in storage.';
comment on column kernel.import_parts.size_bytes is 'How many there are.';
select kernel.protect_personal_table('kernel.import_parts');

-- Runs as its owner: a row may go by a cascade, by erasure or by the sweep, and its bytes must go with it each time.
create function kernel.drop_archive() returns trigger
language plpgsql security definer set search_path = pg_catalog as $$
begin
  delete from kernel.objects where tenant_id = old.tenant_id and id = old.object_id;
  return null;
end
$$;
comment on function kernel.drop_archive() is 'Deletes the stored bytes of a copy, an archive or a piece of one with its row.';
revoke execute on function kernel.drop_archive() from public;
create trigger drop_archive after delete on kernel.import_parts for each row execute function kernel.drop_archive();
create trigger drop_archive after delete on kernel.imports
  for each row when (old.object_id is not null) execute function kernel.drop_archive();
create trigger drop_archive after delete on kernel.exports
  for each row when (old.object_id is not null) execute function kernel.drop_archive();
