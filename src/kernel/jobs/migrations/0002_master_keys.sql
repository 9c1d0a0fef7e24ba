-- Which master keys a process can open data keys with, so that a rotation waits until every process has the new one.
alter table kernel.executors add column master_key_ids text[];
comment on column kernel.executors.master_key_ids is 'Ids of the master keys its settings give it; null when it reads them from the data folder, whenever they change.';
