-- What a run may do is bounded by what started it: an API key's run does no more than the key, and ends with it.

alter table kernel.runs add column key_id uuid;
alter table kernel.runs add column scopes text[];
comment on column kernel.runs.key_id is 'API key that started it; null when a person did. It may do no more than the key, and no longer.';
comment on column kernel.runs.scopes is 'Permissions the caller was limited to; null: all that their role holds.';
