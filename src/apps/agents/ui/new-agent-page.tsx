/** A new agent: from nothing or from an example, then on to its knowledge. */
import { Text } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { keyOf, useCall } from '#web/api-hooks.ts';
import { usePermission } from '#web/session.ts';
import { LoadingRows, PageHeader } from '#web/ui/index.ts';
import { agentExamples } from './agent-examples.ts';
import { AgentForm, useAgentForm } from './agent-form.tsx';
import { BackToAgents } from './agent-header.tsx';
import { bodyOf, valuesOfExample, type AgentValues } from './agent-values.ts';
import { agentQuery, agentsApi, pathsOf } from './agents-api.ts';
import { ExampleCards } from './example-cards.tsx';
import { defaultModelOf, useConnections } from './model-picker.tsx';

export default function NewAgentPage() {
  const { example: exampleId } = useSearch({ strict: false }) as { readonly example?: unknown };
  const example = agentExamples.find(({ id }) => id === exampleId);
  const connections = useConnections();
  return (
    <>
      <PageHeader
        title="New agent"
        description="Only the name is needed; everything can be changed later."
        back={<BackToAgents />}
      />
      {example ? null : (
        <details>
          <Text component="summary" size="sm" mb="xs">
            Begin with an example
          </Text>
          <ExampleCards />
        </details>
      )}
      {connections.isPending ? (
        <LoadingRows rows={5} />
      ) : (
        <NewAgentForm
          key={example?.id ?? 'blank'}
          initialValues={valuesOfExample(example, defaultModelOf(connections.items))}
        />
      )}
    </>
  );
}

function NewAgentForm({ initialValues }: { readonly initialValues: AgentValues }) {
  const form = useAgentForm(initialValues);
  const mayWrite = usePermission('agents.agent.write');
  const { create, submit } = useCreateAgent();
  return (
    <AgentForm
      form={form}
      submitLabel="Create the agent"
      isBusy={create.isPending || create.isSuccess}
      mayWrite={mayWrite}
      onSubmit={submit}
    />
  );
}

function useCreateAgent() {
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const create = useCall(agentsApi, 'POST /agents');
  const submit = async (values: AgentValues) => {
    const agent = await create.mutateAsync({ body: bodyOf(values) });
    queryClient.setQueryData(agentQuery(agent.id).queryKey, agent);
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /agents') });
    await navigate({ to: pathsOf(agent.id).knowledge, ignoreBlocker: true });
  };
  return { create, submit };
}
