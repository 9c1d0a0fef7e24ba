/** What the tables of agents hold, and which of it ends by itself. */
import type { DataMap, RetentionKind } from '#kernel/privacy';

export const agentsDataMap: DataMap = {
  'app_agents.agents': { holds: 'organisation', title: 'Agents', anonymise: ['created_by'] },
  'app_agents.documents': { holds: 'organisation', title: 'Documents', anonymise: ['created_by'] },
  'app_agents.passages': { holds: 'organisation', title: 'Passages of documents' },
  'app_agents.conversations': { holds: 'person', title: 'Conversations' },
  'app_agents.messages': { holds: 'person', title: 'Messages' },
};

const rowsPerBatch = 1_000;

export const agentsRetention: readonly RetentionKind[] = [
  {
    kind: 'agents.conversations',
    title: 'Conversations with agents, since their last message',
    defaultDays: null,
    async prune({ db }, tenantId, before) {
      const rows = await db.withSystem('delete conversations by retention', (tx) =>
        tx.query({
          text: `delete from app_agents.conversations where tenant_id = $1 and id in (
                   select id from app_agents.conversations
                   where tenant_id = $1 and updated_at < $2 and active_run_id is null limit $3)
                 returning id`,
          values: [tenantId, before, rowsPerBatch],
        }),
      );
      return rows.length;
    },
  },
];
