-- The picture of an organisation, one at most.

create table kernel.organisation_images (
  tenant_id uuid primary key,
  image_id uuid not null,
  updated_at timestamptz not null default now(),
  foreign key (tenant_id, image_id) references kernel.images (tenant_id, id) on delete cascade
);
create index organisation_images_image_id on kernel.organisation_images (tenant_id, image_id);
comment on table kernel.organisation_images is 'The picture that stands for an organisation.';
comment on column kernel.organisation_images.tenant_id is 'Organisation.';
comment on column kernel.organisation_images.image_id is 'Its picture.';
comment on column kernel.organisation_images.updated_at is 'When it was set.';

select kernel.protect_tenant_table('kernel.organisation_images');

-- Of two people who set one at the same time the later one's stays, and nothing of the other's.
create function kernel.follow_organisation_image() returns trigger
language plpgsql set search_path = pg_catalog as $$
begin
  if tg_op <> 'DELETE' then
    update kernel.images set expires_at = null where tenant_id = new.tenant_id and id = new.image_id;
  end if;
  if tg_op = 'DELETE' or (tg_op = 'UPDATE' and new.image_id <> old.image_id) then
    delete from kernel.images where tenant_id = old.tenant_id and id = old.image_id;
  end if;
  return null;
end
$$;
comment on function kernel.follow_organisation_image() is 'Trigger of kernel.organisation_images: keeps a new picture, removes the one before.';
create trigger follow_image after insert or update or delete on kernel.organisation_images
  for each row execute function kernel.follow_organisation_image();
