-- Agents, their knowledge and the conversations with them. Every key begins with the organisation, and foreign keys
-- carry it too, so that no row can point into another organisation even if a policy were wrong.
create schema if not exists app_agents;
comment on schema app_agents is 'The agents application: agents, knowledge, conversations.';
grant usage on schema app_agents to bulkhead_app, bulkhead_system;

create table app_agents.agents (
  id uuid primary key,
  tenant_id uuid not null,
  name text not null check (char_length(name) between 1 and 80),
  description text not null default '' check (char_length(description) <= 500),
  instructions text not null default '' check (char_length(instructions) <= 20000),
  connection_id uuid,
  model text not null check (char_length(model) between 1 and 200),
  temperature double precision check (temperature between 0 and 2),
  greeting text not null default '' check (char_length(greeting) <= 1000),
  suggested_questions text[] not null default '{}' check (cardinality(suggested_questions) <= 6),
  tone text check (tone in ('neutral', 'friendly', 'formal', 'concise', 'playful')),
  revision integer not null default 1 check (revision >= 1),
  document_count integer not null default 0 check (document_count >= 0),
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  unique (tenant_id, id)
);
create index agents_list on app_agents.agents (tenant_id, id desc) where deleted_at is null;
create index agents_deleted on app_agents.agents (deleted_at) where deleted_at is not null;
comment on table app_agents.agents is 'An assistant described by a team: instructions, model and how it greets.';
comment on column app_agents.agents.id is 'UUIDv7; sorting by it is sorting by time of creation.';
comment on column app_agents.agents.tenant_id is 'Organisation that owns it.';
comment on column app_agents.agents.name is 'Name shown to people.';
comment on column app_agents.agents.description is 'What it is for, one or two sentences.';
comment on column app_agents.agents.instructions is 'System instructions given to the model.';
comment on column app_agents.agents.connection_id is 'Model connection; null is the built-in offline model. No foreign key: connections belong to the kernel and may be removed, which the next answer reports.';
comment on column app_agents.agents.model is 'Model name at that connection.';
comment on column app_agents.agents.temperature is 'Sampling temperature 0 to 2; null leaves it to the provider.';
comment on column app_agents.agents.greeting is 'First words shown in an empty conversation.';
comment on column app_agents.agents.suggested_questions is 'Up to six questions offered in an empty conversation.';
comment on column app_agents.agents.tone is 'How it writes; null leaves it to the instructions.';
comment on column app_agents.agents.revision is 'Grows by one with each change; guards against overwriting somebody else''s.';
comment on column app_agents.agents.document_count is 'Documents in its knowledge, kept with each upload and deletion.';
comment on column app_agents.agents.created_by is 'User who made it.';
comment on column app_agents.agents.created_at is 'When it was made.';
comment on column app_agents.agents.updated_at is 'When it was last changed.';
comment on column app_agents.agents.deleted_at is 'Set when deleted; a background job then removes files and rows.';
select kernel.protect_tenant_table('app_agents.agents');

create table app_agents.documents (
  id uuid primary key,
  tenant_id uuid not null,
  agent_id uuid not null,
  object_id uuid not null,
  title text not null,
  filename text not null,
  content_type text not null check (content_type in ('text/plain', 'text/markdown', 'application/pdf')),
  size_bytes bigint not null check (size_bytes >= 0),
  state text not null default 'queued' check (state in ('queued', 'processing', 'ready', 'failed')),
  generation integer not null default 1 check (generation >= 1),
  progress_percent smallint not null default 0 check (progress_percent between 0 and 100),
  passage_count integer not null default 0 check (passage_count >= 0),
  page_count integer check (page_count >= 1),
  error_code text,
  created_by uuid not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  unique (tenant_id, object_id),
  foreign key (tenant_id, agent_id) references app_agents.agents (tenant_id, id) on delete cascade
);
create index documents_list on app_agents.documents (tenant_id, agent_id, id desc);
create index documents_waiting on app_agents.documents (updated_at) where state in ('queued', 'processing');
comment on table app_agents.documents is 'One file of an agent''s knowledge; its bytes are in object storage.';
comment on column app_agents.documents.id is 'UUIDv7.';
comment on column app_agents.documents.tenant_id is 'Organisation that owns it.';
comment on column app_agents.documents.agent_id is 'Agent whose knowledge it is part of.';
comment on column app_agents.documents.object_id is 'Stored file; removed with the row.';
comment on column app_agents.documents.title is 'Name shown in citations.';
comment on column app_agents.documents.filename is 'Name the uploader''s machine gave; never used as a path.';
comment on column app_agents.documents.content_type is 'Type found by looking at the bytes, not at the name.';
comment on column app_agents.documents.size_bytes is 'Size of the file.';
comment on column app_agents.documents.state is 'queued, processing, ready (searchable) or failed.';
comment on column app_agents.documents.generation is 'Grows with each retry; names the background job, so that one generation is read once.';
comment on column app_agents.documents.progress_percent is 'How much of the file has been read.';
comment on column app_agents.documents.passage_count is 'Passages found in it.';
comment on column app_agents.documents.page_count is 'Pages of a PDF, else null.';
comment on column app_agents.documents.error_code is 'Why reading failed, a code of the application''s error table.';
comment on column app_agents.documents.created_by is 'User who uploaded it.';
comment on column app_agents.documents.created_at is 'When it was uploaded.';
comment on column app_agents.documents.updated_at is 'When its state last changed.';
select kernel.protect_tenant_table('app_agents.documents');

create table app_agents.passages (
  id uuid primary key,
  tenant_id uuid not null,
  agent_id uuid not null,
  document_id uuid not null,
  position integer not null check (position >= 0),
  headings text[] not null default '{}',
  page integer check (page >= 1),
  text text not null,
  search tsvector not null,
  created_at timestamptz not null default now(),
  unique (tenant_id, document_id, position),
  foreign key (tenant_id, document_id) references app_agents.documents (tenant_id, id) on delete cascade,
  foreign key (tenant_id, agent_id) references app_agents.agents (tenant_id, id) on delete cascade
);
create index passages_agent on app_agents.passages (tenant_id, agent_id);
create index passages_search on app_agents.passages using gin (search);
comment on table app_agents.passages is 'Pieces of documents of about 1,200 characters: what is searched, shown to the model and cited.';
comment on column app_agents.passages.id is 'UUIDv7.';
comment on column app_agents.passages.tenant_id is 'Organisation that owns it.';
comment on column app_agents.passages.agent_id is 'Agent whose knowledge it is part of; repeated here so that a search reads one table.';
comment on column app_agents.passages.document_id is 'Document it comes from.';
comment on column app_agents.passages.position is 'Order in the document, from 0.';
comment on column app_agents.passages.headings is 'Headings above it, outermost first.';
comment on column app_agents.passages.page is 'Page of a PDF, from 1, else null.';
comment on column app_agents.passages.text is 'The text as it stands in the document.';
comment on column app_agents.passages.search is 'Folded words (lower case, without accents) as they are and by English stem.';
comment on column app_agents.passages.created_at is 'When it was read out of the document.';
select kernel.protect_tenant_table('app_agents.passages');

create table app_agents.conversations (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  agent_id uuid not null,
  title text not null default '' check (char_length(title) <= 200),
  message_count integer not null default 0 check (message_count >= 0),
  active_run_id uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  unique (tenant_id, id),
  foreign key (tenant_id, agent_id) references app_agents.agents (tenant_id, id) on delete cascade
);
create index conversations_list on app_agents.conversations (tenant_id, owner_id, updated_at desc, id desc);
create index conversations_agent on app_agents.conversations (tenant_id, agent_id, owner_id, updated_at desc, id desc);
comment on table app_agents.conversations is 'A person''s chat with an agent; seen by that person only.';
comment on column app_agents.conversations.id is 'UUIDv7.';
comment on column app_agents.conversations.tenant_id is 'Organisation it belongs to.';
comment on column app_agents.conversations.owner_id is 'The person who chats.';
comment on column app_agents.conversations.agent_id is 'Agent that answers.';
comment on column app_agents.conversations.title is 'Empty until the first question names it or its owner does.';
comment on column app_agents.conversations.message_count is 'Messages written so far, superseded ones too; the next one''s position.';
comment on column app_agents.conversations.active_run_id is 'Run that is answering now; set and cleared in the transactions that accept and end it.';
comment on column app_agents.conversations.created_at is 'When it was started.';
comment on column app_agents.conversations.updated_at is 'When its last message was written; the order of lists.';
select kernel.protect_personal_table('app_agents.conversations');

create table app_agents.messages (
  id uuid primary key,
  tenant_id uuid not null,
  owner_id uuid not null,
  conversation_id uuid not null,
  position integer not null check (position >= 0),
  role text not null check (role in ('user', 'assistant')),
  text text not null default '',
  state text not null check (state in ('complete', 'streaming', 'stopped', 'failed')),
  error_code text,
  error_detail text,
  is_error_retryable boolean,
  citations jsonb not null default '[]',
  connection_id uuid,
  model text,
  usage jsonb,
  run_id uuid,
  reply_to_id uuid,
  client_message_id uuid,
  superseded_at timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  unique (tenant_id, id),
  unique (tenant_id, conversation_id, position),
  unique (tenant_id, conversation_id, client_message_id),
  foreign key (tenant_id, conversation_id) references app_agents.conversations (tenant_id, id) on delete cascade,
  foreign key (tenant_id, reply_to_id) references app_agents.messages (tenant_id, id) on delete cascade
);
create index messages_reply on app_agents.messages (tenant_id, reply_to_id) where reply_to_id is not null;
comment on table app_agents.messages is 'Turns of a conversation; seen by its owner only.';
comment on column app_agents.messages.id is 'UUIDv7.';
comment on column app_agents.messages.tenant_id is 'Organisation it belongs to.';
comment on column app_agents.messages.owner_id is 'The person who chats.';
comment on column app_agents.messages.conversation_id is 'Conversation it is part of.';
comment on column app_agents.messages.position is 'Order in the conversation, from 0.';
comment on column app_agents.messages.role is 'user or assistant.';
comment on column app_agents.messages.text is 'What was said; of an answer that is streaming, nothing yet.';
comment on column app_agents.messages.state is 'complete; streaming while a run writes it; stopped or failed with its partial text kept.';
comment on column app_agents.messages.error_code is 'Why a failed answer ended.';
comment on column app_agents.messages.error_detail is 'The sentence about it that people read.';
comment on column app_agents.messages.is_error_retryable is 'Whether trying again may help.';
comment on column app_agents.messages.citations is 'Passages the text points at as [n]: number, passageId, documentId, documentTitle, page, excerpt. A copy, so that it outlives the document.';
comment on column app_agents.messages.connection_id is 'Model connection that wrote it; null is the offline model or a person.';
comment on column app_agents.messages.model is 'Model that wrote it; null for a person.';
comment on column app_agents.messages.usage is 'Tokens, cost and times of the model call.';
comment on column app_agents.messages.run_id is 'Run that answers or answered it.';
comment on column app_agents.messages.reply_to_id is 'Of an answer: the message it answers.';
comment on column app_agents.messages.client_message_id is 'Id made by the client, so that sending twice says it once.';
comment on column app_agents.messages.superseded_at is 'Set when a newer answer replaced this one; kept, not shown.';
comment on column app_agents.messages.created_at is 'When it was accepted.';
comment on column app_agents.messages.finished_at is 'When the answer reached its final state.';
select kernel.protect_personal_table('app_agents.messages');
