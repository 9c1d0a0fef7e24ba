/** Settings of an agent: the form, saved as the revision it was read at; who comes second is asked what to do. */
import { Alert, Button, Group, Text } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall } from '#web/api-hooks.ts';
import { ApiProblem } from '#web/api.ts';
import { usePageParams } from '#web/page-params.ts';
import { usePermission } from '#web/session.ts';
import { ErrorState, FormProblem, LoadingRows } from '#web/ui/index.ts';
import { AgentForm, useAgentForm } from './agent-form.tsx';
import { AgentHeader } from './agent-header.tsx';
import { AgentMissing } from './agent-missing.tsx';
import { changeOf, keepTyped, valuesOf, type AgentValues } from './agent-values.ts';
import { agentQuery, agentsApi, type Agent } from './agents-api.ts';

export default function AgentSettingsPage() {
  const { agentId } = usePageParams('agentId');
  const agent = useQuery(agentQuery(agentId));
  if (agent.isPending) return <LoadingRows rows={5} />;
  if (!agent.data) return <AgentMissing error={agent.error} onRetry={() => void agent.refetch()} />;
  return (
    <>
      <AgentHeader agent={agent.data} page="Settings" />
      {agent.error ? <ErrorState error={agent.error} onRetry={() => void agent.refetch()} /> : null}
      <SettingsForm key={agentId} agent={agent.data} />
    </>
  );
}

/** The form keeps the agent it was filled with: a newer one, read in the background, must not change what is typed. */
function SettingsForm({ agent }: { readonly agent: Agent }) {
  const [base, setBase] = useState(agent);
  const form = useAgentForm(valuesOf(agent));
  const [isSaved, setSaved] = useState(false);
  const mayWrite = usePermission('agents.agent.write');
  const { save, isBusy, hasConflict, fetchTheirs } = useSaveAgent(agent.id);
  const fill = (from: Agent) => {
    setBase(from);
    form.setInitialValues(valuesOf(from));
    form.setValues(valuesOf(from));
  };
  /** What is sent is what was changed since `base`, on top of the revision that is the newest known. */
  const saveOver = async (revision: number, values: AgentValues) => {
    const saved = await save(revision, changeOf(values, base));
    if (!saved) return;
    setBase(saved);
    form.setInitialValues(valuesOf(saved));
    form.setValues((now) => keepTyped({ ...values, ...now }, values, valuesOf(saved)));
    setSaved(true);
  };
  const conflict = (
    <Conflict
      onTakeTheirs={async () => fill(await fetchTheirs())}
      onKeepMine={async () => saveOver((await fetchTheirs()).revision, form.values)}
    />
  );
  return (
    <AgentForm
      form={form}
      submitLabel="Save"
      isBusy={isBusy}
      mayWrite={mayWrite}
      onSubmit={(values) => saveOver(base.revision, values)}
      notice={hasConflict ? conflict : null}
      isSaved={isSaved}
    />
  );
}

function useSaveAgent(agentId: string) {
  const queryClient = useQueryClient();
  const [hasConflict, setConflict] = useState(false);
  const update = useCall(agentsApi, 'PATCH /agents/{agentId}');
  const save = async (revision: number, change: ReturnType<typeof changeOf>): Promise<Agent | null> => {
    try {
      const saved = await update.mutateAsync({ params: { agentId }, body: { revision, ...change } });
      setConflict(false);
      queryClient.setQueryData(agentQuery(agentId).queryKey, saved);
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /agents') });
      return saved;
    } catch (error) {
      if (!(error instanceof ApiProblem) || error.code !== 'AGENT_CHANGED') throw error;
      setConflict(true);
      return null;
    }
  };
  const fetchTheirs = async () => {
    const theirs = await queryClient.fetchQuery({ ...agentQuery(agentId), staleTime: 0 });
    setConflict(false);
    return theirs;
  };
  return { save, isBusy: update.isPending, hasConflict, fetchTheirs };
}

interface ConflictProps {
  readonly onTakeTheirs: () => Promise<void>;
  readonly onKeepMine: () => Promise<void>;
}

function Conflict({ onTakeTheirs, onKeepMine }: ConflictProps) {
  const choice = useMutation({ mutationFn: (choose: () => Promise<void>) => choose() });
  return (
    <Alert
      color="yellow"
      variant="light"
      icon={<IconUsers size={18} />}
      title="Somebody else changed this agent"
      role="alert"
    >
      <Text size="sm" mb="sm">
        They saved it while you were editing. Keep your changes, which replace theirs only in the fields you touched, or
        load their version and drop yours.
      </Text>
      <FormProblem error={choice.error} />
      <Group gap="xs">
        <Button size="xs" disabled={choice.isPending} onClick={() => choice.mutate(onKeepMine)}>
          Keep my changes
        </Button>
        <Button size="xs" variant="default" disabled={choice.isPending} onClick={() => choice.mutate(onTakeTheirs)}>
          Load their version
        </Button>
      </Group>
    </Alert>
  );
}
