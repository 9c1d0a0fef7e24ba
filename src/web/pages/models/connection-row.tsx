/** ConnectionRow shows one model connection: what it is, whether it has a key, and the buttons to test and change it. */
import { ActionIcon, Button, Menu, Text } from '@mantine/core';
import { IconCloud, IconDots, IconQuote, IconServer } from '@tabler/icons-react';
import { useCall } from '../../api-hooks.ts';
import { DataRow } from '../../ui/data-list.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { modelsApi, type Connection } from './models-api.ts';
import classes from './models.module.css';
import { TestResult } from './test-result.tsx';

interface ConnectionRowProps {
  readonly connection: Connection;
  readonly mayChange: boolean;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
}

export function ConnectionRow({ connection, mayChange, onEdit, onDelete }: ConnectionRowProps) {
  const { id, name, baseUrl, defaultModel, isDefault } = connection;
  const test = useCall(modelsApi, 'POST /model-connections/{connectionId}/test');
  if (id === null) return <OfflineRow isDefault={isDefault} />;
  const isLocal = /^https?:\/\/(?:127\.|localhost|\[::1\])/.test(baseUrl ?? '');
  return (
    <>
      <DataRow
        icon={isLocal ? <IconServer size={22} stroke={1.5} /> : <IconCloud size={22} stroke={1.5} />}
        title={name}
        description={
          <Text span className={classes.mono}>
            {defaultModel ? `${defaultModel} · ` : ''}
            {baseUrl ?? kindNames[connection.kind]}
          </Text>
        }
        meta={<ConnectionBadges connection={connection} />}
        actions={
          mayChange ? (
            <>
              <Button
                size="xs"
                variant="default"
                loading={test.isPending}
                aria-label={`Test ${name}`}
                onClick={() => test.mutate({ params: { connectionId: id }, body: {} })}
              >
                Test
              </Button>
              <Menu position="bottom-end" withinPortal>
                <Menu.Target>
                  <ActionIcon aria-label={`More for ${name}`}>
                    <IconDots size={18} />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item onClick={onEdit}>Edit</Menu.Item>
                  <Menu.Item color="red" onClick={onDelete}>
                    Delete
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
            </>
          ) : null
        }
      />
      {test.data || test.error ? (
        <div className={classes.rowResult}>
          <TestResult outcome={test.data} error={test.error} />
        </div>
      ) : null}
    </>
  );
}

const kindNames: Record<Connection['kind'], string> = {
  'openai-compatible': 'OpenAI-compatible',
  anthropic: 'Anthropic',
  google: 'Google',
  mistral: 'Mistral',
  offline: 'Built in',
};

function ConnectionBadges({ connection }: { readonly connection: Connection }) {
  return (
    <>
      {connection.isDefault ? <StatusBadge tone="good">Default</StatusBadge> : null}
      <span>{connection.hasKey ? `Key •••• ${connection.keyLastFour ?? ''}` : 'No key'}</span>
    </>
  );
}

function OfflineRow({ isDefault }: { readonly isDefault: boolean }) {
  return (
    <DataRow
      icon={<IconQuote size={22} stroke={1.5} />}
      title="Offline"
      description="Built in, no model: answers by quoting the best passages of an agent’s knowledge, and says so."
      meta={isDefault ? <StatusBadge tone="good">Default</StatusBadge> : 'Always there'}
    />
  );
}
