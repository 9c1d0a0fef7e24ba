/** The agents' part of the home page: the conversations one had last, or the three steps to the first of them. */
import { Anchor, Text, Title } from '@mantine/core';
import { IconCircleCheck, IconMessage } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queryOf } from '#web/api-hooks.ts';
import { usePermission } from '#web/session.ts';
// By name, not from the index: this comes with the first page, and takes along only what it names.
import { DataList, DataRow } from '#web/ui/data-list.tsx';
import { formatAgo } from '#web/ui/format.ts';
import { ErrorState, LoadingRows } from '#web/ui/states.tsx';
import { agentsApi, pathsOf, type Conversation } from './agents-api.ts';
import classes from './home-part.module.css';

const recentQuery = queryOf(agentsApi, 'GET /conversations', { query: { limit: 5 } });
const agentsQuery = queryOf(agentsApi, 'GET /agents', { query: { limit: 1 } });

export default function HomePart() {
  const { data, error, refetch } = useQuery(recentQuery);
  if (data) return data.items.length > 0 ? <Recent conversations={data.items} /> : <FirstSteps />;
  return (
    <div className={classes.section}>
      {error ? <ErrorState error={error} onRetry={() => void refetch()} /> : <LoadingRows height={56} />}
    </div>
  );
}

function Recent({ conversations }: { readonly conversations: readonly Conversation[] }) {
  return (
    <section className={classes.section} aria-labelledby="recent">
      <Title order={2} id="recent" mb="xs">
        Recent conversations
      </Title>
      <DataList
        label="Recent conversations"
        items={conversations}
        itemKey={({ id }) => id}
        isLoading={false}
        empty={null}
        renderItem={({ id, agentId, agentName, title, updatedAt }) => (
          <DataRow
            to={pathsOf(agentId).chat(id)}
            icon={<IconMessage size={20} stroke={1.5} />}
            title={title || 'New chat'}
            description={`With ${agentName}`}
            meta={<span>{formatAgo(updatedAt)}</span>}
          />
        )}
      />
    </section>
  );
}

/** FirstSteps teaches by doing: each step leads to where it is done, and is ticked once it is. */
function FirstSteps() {
  const agents = useQuery(agentsQuery);
  const mayWrite = usePermission('agents.agent.write');
  const mayChat = usePermission('agents.conversation.write');
  if (!agents.data) return null; // the steps are no reason to complain
  const [first] = agents.data.items;
  if (!mayChat || (!first && !mayWrite)) return null; // the page of agents says whom to ask
  const paths = first ? pathsOf(first.id) : null;
  const steps = [
    { title: 'Make an agent', text: 'Say in a few words what it is for, or begin with an example.', to: '/agents/new' },
    {
      title: 'Give it something to know',
      text: 'Upload documents: it answers from them and shows where each answer stands.',
      to: paths?.knowledge ?? null,
    },
    { title: 'Ask it', text: 'Press on the numbers in its answer to open the passage.', to: paths?.chat() ?? null },
  ];
  const done = first ? (first.documentCount > 0 ? 2 : 1) : 0;
  return (
    <section className={classes.section} aria-labelledby="first-steps">
      <Title order={2} id="first-steps" mb="xs">
        Three steps to your first answer
      </Title>
      <ol className={classes.steps}>
        {steps.map(({ title, text, to }, index) => (
          <li key={title} className={classes.step} data-done={index < done || undefined}>
            <span className={classes.number} aria-hidden>
              {index < done ? <IconCircleCheck size={22} stroke={1.6} /> : index + 1}
            </span>
            <span>
              {to && (mayWrite || index === 2) ? (
                <Anchor component={Link} to={to} size="sm" fw={600}>
                  {title}
                </Anchor>
              ) : (
                <Text size="sm" fw={600} component="span">
                  {title}
                </Text>
              )}
              {index < done ? ' (done)' : null}
              <Text size="sm" c="dimmed">
                {text}
              </Text>
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
