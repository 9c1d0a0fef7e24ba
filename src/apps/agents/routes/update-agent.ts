/** PATCH /agents/{agentId}: changes the named fields, and never over a change the caller has not seen. */
import { defineRoute } from '#kernel/http';
import { agentsContract, type AgentPatch } from '../contract.ts';
import { agentsErrors } from '../errors.ts';
import { findAgent } from '../find-rows.ts';
import { writeLimit } from '../limits.ts';
import { toAgent } from '../tables.ts';

/** toColumns maps the fields a patch names to columns; only names from this list reach the statement. */
function toColumns(patch: AgentPatch): Map<string, unknown> {
  const columns: Record<string, unknown> = {
    name: patch.name,
    description: patch.description,
    instructions: patch.instructions,
    temperature: patch.temperature,
    greeting: patch.greeting,
    suggested_questions: patch.suggestedQuestions,
    tone: patch.tone,
    connection_id: patch.model?.connectionId,
    model: patch.model?.model,
  };
  return new Map(Object.entries(columns).filter(([, value]) => value !== undefined));
}

export const updateAgent = defineRoute(agentsContract, 'PATCH /agents/{agentId}', {
  id: 'agents.agent.update',
  access: { permission: 'agents.agent.write' },
  limit: writeLimit,
  errors: ['AGENT_NOT_FOUND', 'AGENT_CHANGED', 'MODEL_CONNECTION_NOT_FOUND'],
  async handler(ctx) {
    const { agentId } = ctx.params;
    const columns = toColumns(ctx.body);
    return ctx.tenant(async (tx) => {
      await ctx.services.llm.assertConnection(tx, ctx.body.model?.connectionId ?? null);
      const assignments = [...columns.keys()].map((column, index) => `, ${column} = $${index + 4}`).join('');
      const changed = await tx.query<{ id: string }>({
        text: `update app_agents.agents set revision = revision + 1, updated_at = now()${assignments}
          where tenant_id = $1 and id = $2 and revision = $3 and deleted_at is null returning id`,
        values: [ctx.principal.tenantId, agentId, ctx.body.revision, ...columns.values()],
      });
      const agent = await findAgent(tx, ctx.principal, agentId);
      if (changed.length === 0) throw agentsErrors.AGENT_CHANGED({ extensions: { revision: agent.revision } });
      await ctx.audit(tx, {
        action: 'agents.agent.update',
        resource: `agent:${agentId}`,
        details: { fields: [...columns.keys()].join(','), revision: agent.revision },
      });
      return toAgent(agent);
    });
  },
});
