/** POST /agents: a new agent. */
import { defineRoute } from '#kernel/http';
import { newId } from '#kernel/ids';
import { agentsContract } from '../contract.ts';
import { takeRow } from '../find-rows.ts';
import { writeLimit } from '../limits.ts';
import { toAgent, type AgentRow } from '../tables.ts';

export const createAgent = defineRoute(agentsContract, 'POST /agents', {
  id: 'agents.agent.create',
  access: { permission: 'agents.agent.write' },
  limit: writeLimit,
  idempotent: true,
  errors: ['MODEL_CONNECTION_NOT_FOUND'],
  async handler(ctx) {
    const { body, principal } = ctx;
    return ctx.tenant(async (tx) => {
      await ctx.services.llm.assertConnection(tx, body.model.connectionId);
      const row = takeRow(
        await tx.query<AgentRow>({
          text: `insert into app_agents.agents as a (id, tenant_id, created_by, name, description, instructions, connection_id,
            model, temperature, greeting, suggested_questions, tone)
          values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
          returning a.*, 0 as conversation_count`,
          values: [
            newId(),
            principal.tenantId,
            principal.userId,
            body.name,
            body.description,
            body.instructions,
            body.model.connectionId,
            body.model.model,
            body.temperature,
            body.greeting,
            body.suggestedQuestions,
            body.tone,
          ],
        }),
      );
      await ctx.audit(tx, { action: 'agents.agent.create', resource: `agent:${row.id}` });
      return toAgent(row);
    });
  },
});
