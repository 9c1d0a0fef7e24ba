/** ChatHeader names the conversation and leads to the agent's other pages; on a phone it opens the list. */
import { ActionIcon, Text, Title, Tooltip } from '@mantine/core';
import { IconBook2, IconLayoutSidebar, IconSettings } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { usePageTitle } from '#web/ui/index.ts';
import { pathsOf, type Agent } from '../agents-api.ts';
import classes from './chat.module.css';

interface ChatHeaderProps {
  readonly agent: Agent;
  readonly title: string;
  readonly isListOpen: boolean;
  readonly onOpenList: () => void;
}

export function ChatHeader({ agent, title, isListOpen, onOpenList }: ChatHeaderProps) {
  usePageTitle(title === agent.name ? title : `${title} · ${agent.name}`);
  const paths = pathsOf(agent.id);
  return (
    <header className={classes.header}>
      <ActionIcon
        className={classes.openList}
        aria-label="Conversations"
        aria-expanded={isListOpen}
        onClick={onOpenList}
      >
        <IconLayoutSidebar size={20} />
      </ActionIcon>
      <div className={classes.headerText}>
        <Title order={1} size="h3" tabIndex={-1} dir="auto" className={classes.headerTitle}>
          {title}
        </Title>
        {title === agent.name ? null : (
          <Text size="xs" c="dimmed" dir="auto" truncate>
            {agent.name}
          </Text>
        )}
      </div>
      <Tooltip label="Knowledge">
        <ActionIcon component={Link} to={paths.knowledge} aria-label={`Knowledge of ${agent.name}`}>
          <IconBook2 size={20} />
        </ActionIcon>
      </Tooltip>
      <Tooltip label="Settings">
        <ActionIcon
          component={Link}
          to={paths.settings}
          activeOptions={{ exact: true }}
          aria-label={`Settings of ${agent.name}`}
        >
          <IconSettings size={20} />
        </ActionIcon>
      </Tooltip>
    </header>
  );
}
