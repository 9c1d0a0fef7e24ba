/** AgentHeader heads the pages of one agent: its name, its tabs, and what one does with it. */
import { Button, Menu, ActionIcon } from '@mantine/core';
import { IconDots, IconMessage, IconTrash } from '@tabler/icons-react';
import { Link, useNavigate } from '@tanstack/react-router';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall } from '#web/api-hooks.ts';
import { usePermission } from '#web/session.ts';
import { ConfirmDialog, PageHeader } from '#web/ui/index.ts';
import { agentsApi, count, pathsOf, type Agent } from './agents-api.ts';
import classes from './agents.module.css';

interface AgentHeaderProps {
  readonly agent: Agent;
  /** What the page is, for the document's title: `Settings`. */
  readonly page: string;
}

export function AgentHeader({ agent, page }: AgentHeaderProps) {
  const paths = pathsOf(agent.id);
  const mayWrite = usePermission('agents.agent.write');
  return (
    <>
      <PageHeader
        title={agent.name}
        description={agent.description}
        back={<BackToAgents />}
        actions={
          <>
            <Button component={Link} to={paths.chat()} leftSection={<IconMessage size={16} />}>
              Chat
            </Button>
            {mayWrite ? <AgentMenu agent={agent} /> : null}
          </>
        }
      />
      <nav aria-label={`Pages of ${agent.name}`}>
        <ul className={classes.tabs}>
          <Tab to={paths.settings} isCurrent={page === 'Settings'}>
            Settings
          </Tab>
          <Tab to={paths.knowledge} isCurrent={page === 'Knowledge'}>
            Knowledge ({agent.documentCount})
          </Tab>
        </ul>
      </nav>
    </>
  );
}

/** BackToAgents leads from any page of an agent to the list. */
export function BackToAgents() {
  return (
    <Link to="/agents" className={classes.backLink}>
      Agents
    </Link>
  );
}

interface TabProps {
  readonly to: string;
  readonly isCurrent: boolean;
  readonly children: React.ReactNode;
}

function Tab({ to, isCurrent, children }: TabProps) {
  return (
    <li>
      <Link
        to={to}
        className={classes.tab}
        aria-current={isCurrent ? 'page' : undefined}
        activeOptions={{ exact: true }}
      >
        {children}
      </Link>
    </li>
  );
}

function AgentMenu({ agent }: { readonly agent: Agent }) {
  const [isAsking, setAsking] = useState(false);
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const remove = useCall(agentsApi, 'DELETE /agents/{agentId}', {
    onSuccess: async () => {
      await navigate({ to: '/agents', replace: true, ignoreBlocker: true });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /agents') });
      void queryClient.invalidateQueries({ queryKey: keyOf('GET /conversations') });
    },
  });
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon aria-label={`More for ${agent.name}`}>
            <IconDots size={18} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => setAsking(true)}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <ConfirmDialog
        isOpen={isAsking}
        title={`Delete the agent “${agent.name}”?`}
        confirmLabel="Delete"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ params: { agentId: agent.id } })}
        onClose={() => setAsking(false)}
      >
        Its instructions, {count(agent.documentCount, 'document')} and everybody’s conversations with it are deleted for
        good.
      </ConfirmDialog>
    </>
  );
}
