/** What of agents an archive can bring back: agents, their documents, and the conversations with them. */
import { z } from 'zod';
import type { Services } from '#kernel/app';
import type { TenantScope, Tx } from '#kernel/db';
import { SkippedRecord, type Importing, type PortableSet, type Written } from '#kernel/privacy';
import { storeDocument } from '../knowledge/store-document.ts';

const batchSize = 500;
const id = z.uuid();
/** A year 0 is no time for a database. */
const time = z.iso.datetime().refine((text) => !text.startsWith('0000'), 'no such year');

/** readInBatches follows a list by id, a transaction per batch, so that nothing is held while the archive is written. */
async function* readInBatches<Row extends { id: string }>(
  { db }: Services,
  scope: TenantScope,
  statement: string,
): AsyncGenerator<Row> {
  for (let last = '00000000-0000-0000-0000-000000000000'; ;) {
    const after = last;
    const rows = await db.withTenant(scope, (tx) =>
      tx.query<Row>({ text: `${statement} order by id limit $3`, values: [scope.tenantId, after, batchSize] }),
    );
    yield* rows;
    const end = rows.at(-1);
    if (rows.length < batchSize || !end) return;
    last = end.id;
  }
}

function within<T>({ services, scope }: Importing, work: (tx: Tx) => Promise<T>): Promise<T> {
  return services.db.withTenant(scope, work);
}

/** assertAgent throws SkippedRecord unless the agent came in and was not deleted here since. */
async function assertAgent(tx: Tx, { tenantId }: TenantScope, agentId: string): Promise<void> {
  const rows = await tx.query({
    text: 'select id from app_agents.agents where tenant_id = $1 and id = $2 and deleted_at is null',
    values: [tenantId, agentId],
  });
  if (rows.length === 0) throw new SkippedRecord('Its agent did not come in.');
}

async function hasConversation(tx: Tx, { tenantId }: TenantScope, conversationId: string): Promise<boolean> {
  const rows = await tx.query({
    text: 'select id from app_agents.conversations where tenant_id = $1 and id = $2',
    values: [tenantId, conversationId],
  });
  return rows.length > 0;
}

const written = (rows: readonly unknown[]): Written => (rows.length > 0 ? 'made' : 'present');

/** notLater keeps lists in order whatever an archive says of the future. */
const notLater = (column: string) => `least(${column}::timestamptz, now())`;

const agentRecord = z.strictObject({
  id,
  name: z.string().min(1).max(80),
  description: z.string().max(500),
  instructions: z.string().max(20_000),
  model: z.string().min(1).max(200),
  temperature: z.number().min(0).max(2).nullable(),
  greeting: z.string().max(1_000),
  suggestedQuestions: z.array(z.string().max(300)).max(6),
  tone: z.enum(['neutral', 'friendly', 'formal', 'concise', 'playful']).nullable(),
});

interface AgentRow {
  id: string;
  name: string;
  description: string;
  instructions: string;
  model: string;
  temperature: number | null;
  greeting: string;
  suggested_questions: string[];
  tone: z.infer<typeof agentRecord>['tone'];
}

const agents: PortableSet<typeof agentRecord> = {
  name: 'agents',
  title: 'Agents',
  permission: 'agents.agent.write',
  record: agentRecord,
  async *read(services, scope) {
    const statement = `select id, name, description, instructions, model, temperature, greeting, suggested_questions, tone
      from app_agents.agents where tenant_id = $1 and id > $2 and deleted_at is null`;
    for await (const row of readInBatches<AgentRow>(services, scope, statement)) {
      const { suggested_questions: suggestedQuestions, ...rest } = row;
      yield { ...rest, suggestedQuestions };
    }
  },
  async write(importing, record) {
    const { tenantId, userId } = importing.scope;
    const agentId = importing.idFor(record.id);
    return within(importing, async (tx) => {
      // A model endpoint belongs to the organisation it was entered in: here the agent begins with the offline model.
      const rows = await tx.query({
        text: `insert into app_agents.agents
                 (id, tenant_id, name, description, instructions, model, temperature, greeting, suggested_questions, tone, created_by)
               values ($1, $2, $3, $4, $5, 'offline', $6, $7, $8, $9, $10) on conflict (id) do nothing returning id`,
        values: [
          agentId,
          tenantId,
          record.name,
          record.description,
          record.instructions,
          record.temperature,
          record.greeting,
          record.suggestedQuestions,
          record.tone,
          userId,
        ],
      });
      if (rows.length === 0) await assertKept(tx, importing.scope, agentId);
      return written(rows);
    });
  },
};

/** assertKept throws SkippedRecord for an agent that came in before and is being deleted: what hangs on it goes with it. */
async function assertKept(tx: Tx, { tenantId }: TenantScope, agentId: string): Promise<void> {
  const [row] = await tx.query<{ is_deleted: boolean }>({
    text: 'select deleted_at is not null as is_deleted from app_agents.agents where tenant_id = $1 and id = $2',
    values: [tenantId, agentId],
  });
  if (row?.is_deleted) throw new SkippedRecord('It was deleted here just now. Bring the archive back a little later.');
}

const documentRecord = z.strictObject({
  id,
  agentId: id,
  objectId: id,
  title: z.string().max(300),
  filename: z.string().min(1).max(255),
  contentType: z.enum(['text/plain', 'text/markdown', 'application/pdf']),
});

interface DocumentRow {
  id: string;
  agent_id: string;
  object_id: string;
  title: string;
  filename: string;
  content_type: z.infer<typeof documentRecord>['contentType'];
}

async function hasDocument(importing: Importing, documentId: string, agentId: string): Promise<boolean> {
  return within(importing, async (tx) => {
    await assertAgent(tx, importing.scope, agentId);
    const rows = await tx.query({
      text: 'select id from app_agents.documents where tenant_id = $1 and id = $2',
      values: [importing.scope.tenantId, documentId],
    });
    return rows.length > 0;
  });
}

const documents: PortableSet<typeof documentRecord> = {
  name: 'documents',
  title: 'Documents of agents',
  permission: 'agents.document.write',
  record: documentRecord,
  async *read(services, scope) {
    const statement = `select id, agent_id, object_id, title, filename, content_type
      from app_agents.documents where tenant_id = $1 and id > $2`;
    for await (const row of readInBatches<DocumentRow>(services, scope, statement)) {
      const { agent_id: agentId, object_id: objectId, content_type: contentType, ...rest } = row;
      yield { ...rest, agentId, objectId, contentType };
    }
  },
  async write(importing, record) {
    const { services, scope } = importing;
    const [documentId, agentId] = [importing.idFor(record.id), importing.idFor(record.agentId)];
    if (await hasDocument(importing, documentId, agentId)) return 'present';
    const body = await importing.openFile(record.objectId);
    if (!body) throw new SkippedRecord(`The file of ${record.title} is not in the archive.`);
    const { filename, title } = record;
    await storeDocument(services, scope, { agentId, filename, stream: body, id: documentId, title });
    return 'made';
  },
};

const conversationRecord = z.strictObject({
  id,
  agentId: id,
  title: z.string().max(200),
  createdAt: time,
  updatedAt: time,
});

interface ConversationRow {
  id: string;
  agent_id: string;
  title: string;
  created_at: Date;
  updated_at: Date;
}

const conversations: PortableSet<typeof conversationRecord> = {
  name: 'conversations',
  title: 'Conversations',
  permission: 'agents.conversation.write',
  record: conversationRecord,
  async *read(services, scope) {
    const statement = `select id, agent_id, title, created_at, updated_at
      from app_agents.conversations where tenant_id = $1 and id > $2`;
    for await (const row of readInBatches<ConversationRow>(services, scope, statement)) {
      const times = { createdAt: row.created_at.toISOString(), updatedAt: row.updated_at.toISOString() };
      yield { id: row.id, agentId: row.agent_id, title: row.title, ...times };
    }
  },
  async write(importing, record) {
    const agentId = importing.idFor(record.agentId);
    const { tenantId, userId } = importing.scope;
    return within(importing, async (tx) => {
      await assertAgent(tx, importing.scope, agentId);
      const rows = await tx.query({
        text: `insert into app_agents.conversations (id, tenant_id, owner_id, agent_id, title, created_at, updated_at)
               values ($1, $2, $3, $4, $5, ${notLater('$6')}, ${notLater('$7')}) on conflict (id) do nothing returning id`,
        values: [
          importing.idFor(record.id),
          tenantId,
          userId,
          agentId,
          record.title,
          record.createdAt,
          record.updatedAt,
        ],
      });
      return written(rows);
    });
  },
};

const messageRecord = z.strictObject({
  id,
  conversationId: id,
  replyToId: id.nullable(),
  position: z.int().min(0).max(1_000_000),
  role: z.enum(['user', 'assistant']),
  text: z.string().max(1_000_000),
  state: z.enum(['complete', 'stopped', 'failed']),
  model: z.string().max(200).nullable(),
  createdAt: time,
});

interface MessageRow {
  id: string;
  conversation_id: string;
  reply_to_id: string | null;
  position: number;
  role: 'user' | 'assistant';
  text: string;
  state: 'complete' | 'stopped' | 'failed' | 'streaming';
  model: string | null;
  created_at: Date;
}

const messages: PortableSet<typeof messageRecord> = {
  name: 'messages',
  title: 'Messages',
  permission: 'agents.conversation.write',
  record: messageRecord,
  async *read(services, scope) {
    const statement = `select id, conversation_id, reply_to_id, position, role, text, state, model, created_at
      from app_agents.messages where tenant_id = $1 and id > $2 and superseded_at is null`;
    for await (const row of readInBatches<MessageRow>(services, scope, statement)) {
      // An answer under way is handed out as far as it has come.
      const state = row.state === 'streaming' ? 'stopped' : row.state;
      const { conversation_id: conversationId, reply_to_id: replyToId, created_at: createdAt, ...rest } = row;
      yield { ...rest, state, conversationId, replyToId, createdAt: createdAt.toISOString() };
    }
  },
  async write(importing, record) {
    const { tenantId, userId } = importing.scope;
    const conversationId = importing.idFor(record.conversationId);
    const replyToId = record.replyToId === null ? null : importing.idFor(record.replyToId);
    return within(importing, async (tx) => {
      if (!(await hasConversation(tx, importing.scope, conversationId)))
        throw new SkippedRecord('Its conversation did not come in.');
      const rows = await tx.query({
        text: `insert into app_agents.messages
                 (id, tenant_id, owner_id, conversation_id, position, role, text, state, model, reply_to_id, created_at, finished_at)
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ${notLater('$11')}, ${notLater('$11')})
               on conflict (id) do nothing returning id`,
        values: [
          importing.idFor(record.id),
          tenantId,
          userId,
          conversationId,
          record.position,
          record.role,
          record.text,
          record.state,
          record.model,
          replyToId,
          record.createdAt,
        ],
      });
      await tx.query({
        text: `update app_agents.conversations set message_count = message_count + $3 where tenant_id = $1 and id = $2`,
        values: [tenantId, conversationId, rows.length],
      });
      return written(rows);
    });
  },
};

/** portableSets are in the order in which they need each other. */
export const portableSets: readonly PortableSet[] = [
  agents,
  documents,
  conversations,
  messages,
] as readonly PortableSet[];
