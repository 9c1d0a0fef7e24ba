create table kernel.objects (
  id uuid primary key,
  tenant_id uuid not null,
  filename text not null,
  content_type text not null,
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  created_at timestamptz not null default now(),
  unique (tenant_id, id)
);

comment on table kernel.objects is 'Files and pictures whose bytes are in the object store. Other tables reference (tenant_id, id).';
comment on column kernel.objects.id is 'UUIDv7; also the name of the bytes in the store.';
comment on column kernel.objects.tenant_id is 'Organisation.';
comment on column kernel.objects.filename is 'Name the uploader gave; shown and offered for download, never used as a path.';
comment on column kernel.objects.content_type is 'Media type as judged by whoever stored it.';
comment on column kernel.objects.size_bytes is 'Size of the bytes.';
comment on column kernel.objects.sha256 is 'SHA-256 of the bytes, in hex.';
comment on column kernel.objects.created_at is 'When it was stored.';

create table kernel.object_removals (
  id uuid primary key,
  tenant_id uuid not null,
  removed_at timestamptz not null default now()
);

create index object_removals_removed_at on kernel.object_removals (removed_at);

comment on table kernel.object_removals is 'Bytes to delete from the object store: written in the transaction that deletes the row, emptied by the sweeper.';
comment on column kernel.object_removals.id is 'The object that was.';
comment on column kernel.object_removals.tenant_id is 'Organisation; part of the place in the store.';
comment on column kernel.object_removals.removed_at is 'When its row was deleted.';

select kernel.protect_tenant_table('kernel.objects');
select kernel.protect_tenant_table('kernel.object_removals');

-- However a row goes, by request, by cascade or by hand, its bytes go too.
create function kernel.note_object_removal() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  insert into kernel.object_removals (id, tenant_id) values (old.id, old.tenant_id);
  return null;
end
$$;
comment on function kernel.note_object_removal() is 'Trigger of kernel.objects.';

create trigger note_removal after delete on kernel.objects
  for each row execute function kernel.note_object_removal();
