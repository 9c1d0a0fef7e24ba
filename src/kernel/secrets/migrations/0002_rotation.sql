alter table kernel.data_keys add column wrapped_at timestamptz not null default now();
update kernel.data_keys set wrapped_at = created_at;
comment on column kernel.data_keys.wrapped_at is 'When it was last wrapped: made, or rewrapped by a rotation of the master key.';

-- The id of the master key stands in the wrapped key itself; rotations and starts ask for it.
create index data_keys_master_key on kernel.data_keys (split_part(wrapped_key, '.', 2), tenant_id, id);
