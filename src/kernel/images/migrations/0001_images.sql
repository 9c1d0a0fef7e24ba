-- Pictures in several sizes. Their bytes are objects of the store; however a picture goes, its objects go with it.

create table kernel.images (
  id uuid primary key,
  tenant_id uuid not null,
  created_by uuid,
  width integer not null check (width between 1 and 16383),
  height integer not null check (height between 1 and 16383),
  expires_at timestamptz default now() + interval '1 hour',
  created_at timestamptz not null default now(),
  unique (tenant_id, id)
);
create index images_expires_at on kernel.images (expires_at) where expires_at is not null;
comment on table kernel.images is 'Pictures, decoded and written anew by us. What shows one refers to (tenant_id, id).';
comment on column kernel.images.id is 'UUIDv7.';
comment on column kernel.images.tenant_id is 'Organisation; of a person''s picture their personal one.';
comment on column kernel.images.created_by is 'Who uploaded it.';
comment on column kernel.images.width is 'Pixels of the largest size.';
comment on column kernel.images.height is 'Pixels of the largest size.';
comment on column kernel.images.expires_at is 'When it is removed unless something has come to show it; empty once something has.';
comment on column kernel.images.created_at is 'When it was stored.';

create table kernel.image_sizes (
  tenant_id uuid not null,
  image_id uuid not null,
  edge integer not null check (edge between 1 and 16383),
  object_id uuid not null,
  primary key (tenant_id, image_id, edge),
  foreign key (tenant_id, image_id) references kernel.images (tenant_id, id) on delete cascade,
  foreign key (tenant_id, object_id) references kernel.objects (tenant_id, id) on delete cascade
);
create index image_sizes_object_id on kernel.image_sizes (tenant_id, object_id);
comment on table kernel.image_sizes is 'A picture''s sizes: the largest and its thumbnails.';
comment on column kernel.image_sizes.tenant_id is 'Organisation.';
comment on column kernel.image_sizes.image_id is 'The picture.';
comment on column kernel.image_sizes.edge is 'Pixels that the longer edge was asked to have; a small picture may have fewer.';
comment on column kernel.image_sizes.object_id is 'The bytes, as WebP.';

select kernel.protect_tenant_table('kernel.images');
select kernel.protect_tenant_table('kernel.image_sizes');

create function kernel.remove_image_object() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  delete from kernel.objects where tenant_id = old.tenant_id and id = old.object_id;
  return null;
end
$$;
comment on function kernel.remove_image_object() is 'Trigger of kernel.image_sizes.';
create trigger remove_object after delete on kernel.image_sizes
  for each row execute function kernel.remove_image_object();

-- The role that changes accounts cannot reach pictures, and need not: the row of a person carries its picture along. Only
-- a picture that the same person uploaded is touched, whatever text an outside provider may have put there.
create function kernel.follow_person_image() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  uuid_form constant text := '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$';
begin
  if tg_op = 'UPDATE' and new.image ~ uuid_form then
    update kernel.images set expires_at = null where id = new.image::uuid and created_by = new.id;
  end if;
  if old.image ~ uuid_form and (tg_op = 'DELETE' or new.image is distinct from old.image) then
    delete from kernel.images where id = old.image::uuid and created_by = old.id;
  end if;
  return null;
end
$$;
comment on function kernel.follow_person_image() is 'Trigger of auth.users: keeps a new picture, removes the one before.';
revoke execute on function kernel.follow_person_image() from public;
create trigger follow_image after update of image or delete on auth.users
  for each row execute function kernel.follow_person_image();

comment on column auth.users.image is 'Id of a picture in kernel.images that the person uploaded; other text is ignored';
