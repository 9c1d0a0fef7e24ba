/** Welcome is an empty chat: the agent's greeting, questions to begin with, and what is missing for good answers. */
import { Anchor, Text, UnstyledButton } from '@mantine/core';
import { IconRobot } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { usePermission } from '#web/session.ts';
import { SafeMarkdown } from '#web/ui/safe-markdown.tsx';
import { pathsOf, type Agent } from '../agents-api.ts';
import classes from './chat.module.css';

interface WelcomeProps {
  readonly agent: Agent;
  readonly isBusy: boolean;
  readonly onAsk: (question: string) => void;
}

export function Welcome({ agent, isBusy, onAsk }: WelcomeProps) {
  const mayWrite = usePermission('agents.document.write');
  return (
    <div className={classes.welcome}>
      <span className={classes.welcomeIcon}>
        <IconRobot size={26} stroke={1.5} aria-hidden />
      </span>
      <SafeMarkdown text={agent.greeting || `I am ${agent.name}. What would you like to know?`} />
      {agent.suggestedQuestions.length > 0 ? (
        <ul className={classes.suggestions} aria-label="Suggested questions">
          {agent.suggestedQuestions.map((question) => (
            <li key={question}>
              <UnstyledButton className={classes.suggestion} disabled={isBusy} onClick={() => onAsk(question)}>
                {question}
              </UnstyledButton>
            </li>
          ))}
        </ul>
      ) : null}
      {agent.documentCount === 0 && agent.model.connectionId === null ? (
        <Text size="sm" c="dimmed">
          This agent quotes from its documents, and has none yet.{' '}
          {mayWrite ? (
            <Anchor component={Link} to={pathsOf(agent.id).knowledge} size="sm">
              Add documents
            </Anchor>
          ) : null}
        </Text>
      ) : null}
    </div>
  );
}
