/** ExampleCards lead to the form of a new agent, filled in with an example. */
import { Text, UnstyledButton } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { agentExamples } from './agent-examples.ts';
import classes from './agents.module.css';

export function ExampleCards() {
  return (
    <ul className={classes.examples}>
      {agentExamples.map(({ id, summary, values }) => (
        <li key={id}>
          <UnstyledButton
            component={Link}
            to="/agents/new"
            search={{ example: id } as never}
            className={classes.example}
          >
            <Text size="sm" fw={600}>
              {values.name}
            </Text>
            <Text size="sm" c="dimmed">
              {summary}
            </Text>
          </UnstyledButton>
        </li>
      ))}
    </ul>
  );
}
