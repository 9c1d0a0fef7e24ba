/** The list of agents; empty, it teaches what an agent is and offers some to begin with. */
import { ActionIcon, Button, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconBook2, IconPlus, IconRobot, IconSearch, IconSettings } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { usePages } from '#web/api-hooks.ts';
import { usePermission } from '#web/session.ts';
// By name, not from the index: an application's first page takes along only what it names.
import { DataRow, PagedList } from '#web/ui/data-list.tsx';
import { formatAgo } from '#web/ui/format.ts';
import { PageHeader } from '#web/ui/page-header.tsx';
import { SearchField } from '#web/ui/search-field.tsx';
import { EmptyState } from '#web/ui/states.tsx';
import { agentsApi, count, pathsOf, type AgentSummary } from './agents-api.ts';
import classes from './agents.module.css';
import { ExampleCards } from './example-cards.tsx';

const searchPauseMilliseconds = 250;

export default function AgentsPage() {
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.trim(), searchPauseMilliseconds);
  const agents = usePages(agentsApi, 'GET /agents', { query: asked ? { search: asked } : {} });
  const field = useRef<HTMLInputElement>(null);
  const clear = () => {
    setSearch('');
    field.current?.focus();
  };
  // Nothing is searched for, and there is nothing.
  const isEmpty = agents.isSuccess && agents.items.length === 0 && asked === '' && search === '';
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
        actions={mayWrite && !agents.isPending && !isEmpty ? newButton : null}
      />
      {isEmpty ? null : (
        <SearchField
          ref={field}
          className={classes.search}
          label="Search the agents"
          placeholder="Name or description"
          value={search}
          onChange={setSearch}
        />
      )}
      <PagedList
        label="Agents"
        pages={agents}
        itemKey={(agent) => agent.id}
        renderItem={(agent) => <AgentRow agent={agent} mayWrite={mayWrite} />}
        empty={
          asked ? (
            <NothingMatches search={asked} onClear={clear} />
          ) : mayWrite ? (
            <NoAgents action={newButton} />
          ) : (
            <NothingToSee />
          )
        }
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

function NothingMatches({ search, onClear }: { readonly search: string; readonly onClear: () => void }) {
  return (
    <EmptyState
      icon={IconSearch}
      title="Nothing matches"
      action={
        <Button variant="default" onClick={onClear}>
          Show all agents
        </Button>
      }
    >
      No agent has “{search}” in its name or description.
    </EmptyState>
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
