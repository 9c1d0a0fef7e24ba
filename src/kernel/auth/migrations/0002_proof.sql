-- Who runs the server, and when somebody last proved in a session who they are.

alter table auth.users add column is_operator boolean not null default false;
comment on column auth.users.is_operator is 'Whether the person runs this server: people, plans, flags and health of the installation';

-- The first account was made with the link that the server printed.
update auth.users set is_operator = true where id = (select id from auth.users order by created_at, id limit 1);

alter table auth.sessions add column proved_at timestamptz not null default now();
comment on column auth.sessions.proved_at is 'When the person last gave a password or passkey in this session; sensitive changes need it to be recent';
update auth.sessions set proved_at = created_at;
