-- Who runs the server invites people to it: such an invitation belongs to no organisation and gives no role in one.

alter table auth.invitations drop constraint invitations_pkey;
alter table auth.invitations add primary key (id);
alter table auth.invitations alter column tenant_id drop not null;
alter table auth.invitations alter column role drop not null;
alter table auth.invitations add constraint invitations_role_in_organisation check ((tenant_id is null) = (role is null));
create index invitations_of_organisation on auth.invitations (tenant_id, id);
create unique index invitations_of_newcomer on auth.invitations (email) where tenant_id is null and email is not null;

comment on table auth.invitations is 'Open offers to join an organisation, or to have an account here, by mail to one address or by a link; revoked ones are deleted';
comment on column auth.invitations.tenant_id is 'The organisation; null for an account on this server and no more';
comment on column auth.invitations.role is 'Role of whoever accepts; nobody is made an owner by invitation. Null without an organisation';
