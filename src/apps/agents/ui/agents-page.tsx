/** The list of agents; empty, it teaches what an agent is and offers some to begin with. */
import { ActionIcon, Button, Text } from '@mantine/core';
import { IconBook2, IconPlus, IconRobot, IconSettings } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { usePages } from '#web/api-hooks.ts';
import { usePermission } from '#web/session.ts';
import { DataList, DataRow, EmptyState, formatAgo, PageHeader } from '#web/ui/index.ts';
import { agentsApi, count, pathsOf, type AgentSummary } from './agents-api.ts';
import { ExampleCards } from './example-cards.tsx';

export default function AgentsPage() {
  const agents = usePages(agentsApi, 'GET /agents');
  const mayWrite = usePermission('agents.agent.write');
  const newButton = (
    <Button component={Link} to="/agents/new" leftSection={<IconPlus size={16} />}>
      New agent
    </Button>
  );
  return (
    <>
      <PageHeader
        title="Agents"
        description="Each answers in its own way, from its own documents, and shows where an answer comes from."
        actions={mayWrite && agents.items.length > 0 ? newButton : null}
      />
      <DataList
        label="Agents"
        items={agents.items}
        itemKey={(agent) => agent.id}
        renderItem={(agent) => <AgentRow agent={agent} mayWrite={mayWrite} />}
        isLoading={agents.isPending}
        error={agents.error}
        onRetry={() => void agents.refetch()}
        hasMore={agents.hasNextPage}
        isLoadingMore={agents.isFetchingNextPage}
        onLoadMore={() => void agents.fetchNextPage()}
        empty={mayWrite ? <NoAgents action={newButton} /> : <NothingToSee />}
      />
    </>
  );
}

function AgentRow({ agent, mayWrite }: { readonly agent: AgentSummary; readonly mayWrite: boolean }) {
  const paths = pathsOf(agent.id);
  return (
    <DataRow
      to={paths.chat()}
      icon={<IconRobot size={22} stroke={1.5} />}
      title={agent.name}
      description={agent.description || 'No description yet'}
      meta={
        <>
          <span>{count(agent.documentCount, 'document')}</span>
          <span>{count(agent.conversationCount, 'conversation')}</span>
          <span>Changed {formatAgo(agent.updatedAt)}</span>
        </>
      }
      actions={
        <>
          <ActionIcon component={Link} to={paths.knowledge} aria-label={`Knowledge of ${agent.name}`} title="Knowledge">
            <IconBook2 size={18} />
          </ActionIcon>
          <ActionIcon
            component={Link}
            to={paths.settings}
            aria-label={`${mayWrite ? 'Change' : 'Look at'} ${agent.name}`}
            title="Settings"
          >
            <IconSettings size={18} />
          </ActionIcon>
        </>
      }
    />
  );
}

function NoAgents({ action }: { readonly action: React.ReactNode }) {
  return (
    <>
      <EmptyState icon={IconRobot} title="Your first agent" action={action}>
        An agent is a language model with a task: you say in plain words how it should answer, give it documents to
        answer from, and it cites the passage behind every statement. Without a language model it quotes your documents.
      </EmptyState>
      <Text size="sm" fw={550} mt="lg" mb="xs" component="h2">
        Or begin with an example and make it yours
      </Text>
      <ExampleCards />
    </>
  );
}

function NothingToSee() {
  return (
    <EmptyState icon={IconRobot} title="No agents yet">
      Once somebody in your organisation has made an agent, you can talk to it here.
    </EmptyState>
  );
}
