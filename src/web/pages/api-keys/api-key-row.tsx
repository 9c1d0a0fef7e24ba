/** ApiKeyRow shows one key: what it is for, what it may do, when it was last used, and whether it still counts. */
import { ActionIcon, Menu, Tooltip } from '@mantine/core';
import { IconDots, IconKey } from '@tabler/icons-react';
import { DataRow } from '../../ui/data-list.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { StatusBadge, type Tone } from '../../ui/status-badge.tsx';
import type { ApiKey } from './api-keys-api.ts';

interface ApiKeyRowProps {
  readonly apiKey: ApiKey;
  readonly onRename: () => void;
  readonly onRevoke: () => void;
}

const states: Record<ApiKey['state'], readonly [word: string, tone: Tone]> = {
  active: ['Active', 'good'],
  expired: ['Expired', 'warning'],
  revoked: ['Revoked', 'neutral'],
};

export function ApiKeyRow({ apiKey, onRename, onRevoke }: ApiKeyRowProps) {
  const [word, tone] = states[apiKey.state];
  return (
    <DataRow
      icon={<IconKey size={22} stroke={1.5} />}
      title={apiKey.name}
      description={describeKey(apiKey)}
      meta={
        <>
          <LastUse apiKey={apiKey} />
          {apiKey.lostScopes.length > 0 && apiKey.state === 'active' ? (
            <Tooltip label={`Its maker may no longer: ${apiKey.lostScopes.join(', ')}`}>
              <span>
                <StatusBadge tone="warning">Reduced</StatusBadge>
              </span>
            </Tooltip>
          ) : (
            <StatusBadge tone={tone}>{word}</StatusBadge>
          )}
        </>
      }
      actions={
        apiKey.state === 'revoked' ? null : (
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <ActionIcon aria-label={`More for ${apiKey.name}`}>
                <IconDots size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item onClick={onRename}>Rename</Menu.Item>
              <Menu.Item color="red" onClick={onRevoke}>
                Revoke
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )
      }
    />
  );
}

function describeKey(apiKey: ApiKey): string {
  const { scopes, addressAllowList, expiresAt, state } = apiKey;
  const end =
    state === 'active' && expiresAt
      ? `expires ${new Date(expiresAt).toLocaleDateString(undefined, { dateStyle: 'medium' })}`
      : '';
  return [
    `…${apiKey.lastFour}`,
    apiKey.isMine ? '' : `by ${apiKey.owner.name}`,
    scopes.length === 1 ? '1 permission' : `${scopes.length} permissions`,
    addressAllowList.length > 0 ? `only from ${addressAllowList.join(', ')}` : '',
    end || (state === 'active' ? 'does not expire' : ''),
  ]
    .filter(Boolean)
    .join(' · ');
}

function LastUse({ apiKey: { lastUsedAt, lastUsedAddress } }: Pick<ApiKeyRowProps, 'apiKey'>) {
  if (lastUsedAt === null) return <span>never used</span>;
  return (
    <span>
      used <TimeAgo at={lastUsedAt} note={lastUsedAddress && `from ${lastUsedAddress}`} />
    </span>
  );
}
