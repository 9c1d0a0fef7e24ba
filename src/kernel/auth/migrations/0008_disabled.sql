-- Accounts that who runs the server has switched off: nobody signs in with them until they are switched on again.

alter table auth.users add column disabled_at timestamptz;
comment on column auth.users.disabled_at is 'When who runs the server switched the account off; null while it works';
