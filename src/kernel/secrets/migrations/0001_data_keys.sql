create table kernel.data_keys (
  id uuid primary key,
  tenant_id uuid not null,
  wrapped_key text not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

create unique index data_keys_active on kernel.data_keys (tenant_id) where retired_at is null;
create index data_keys_tenant on kernel.data_keys (tenant_id, created_at);

comment on table kernel.data_keys is 'Keys that encrypt an organisation''s stored credentials, themselves encrypted under the master key. Deleting an organisation''s rows makes its credentials unreadable for ever.';
comment on column kernel.data_keys.id is 'Key id, named in every ciphertext made with the key.';
comment on column kernel.data_keys.tenant_id is 'Organisation.';
comment on column kernel.data_keys.wrapped_key is 'v1.kid.iv.ct.tag, AES-256-GCM; kid names the master key.';
comment on column kernel.data_keys.created_at is 'When it was made.';
comment on column kernel.data_keys.retired_at is 'Since when it only decrypts; null for the key in use, of which there is one at most.';

select kernel.protect_tenant_table('kernel.data_keys');
