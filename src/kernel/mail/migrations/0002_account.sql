-- What an account was told goes with the account, also from addresses that it had before or was only going to have.
alter table kernel.mail_messages add column account_id uuid;
comment on column kernel.mail_messages.account_id is 'Person whose account it is about; null when it is about none. No foreign key, because the message may outlive the account.';
create index mail_messages_account on kernel.mail_messages (account_id) where account_id is not null;
