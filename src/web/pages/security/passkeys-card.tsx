/** Passkeys: signing in with the finger, the face or a key, without a password; added, named and removed here. */
import { ActionIcon, Alert, Button, Card, Group, Menu, Modal, Stack, Text, TextInput } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconDotsVertical, IconFingerprint, IconPencil, IconTrash } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { useCall, usePages } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { FormProblem } from '../../ui/states.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { CardHeader } from './card-header.tsx';
import { PasskeyProblem } from './passkey-problem.tsx';
import { passkeysApi, type Factors, type Passkey } from './security-api.ts';
import { hasPasskeys, makePasskey } from './use-passkeys.ts';
import classes from './security.module.css';

interface PasskeysCardProps {
  readonly factors: Factors;
  readonly onChange: () => void;
}

export function PasskeysCard({ factors, onChange }: PasskeysCardProps) {
  const passkeys = usePages(passkeysApi, 'GET /passkeys');
  const [isAdding, setAdding] = useState(false);
  const obstacle = findObstacle(factors);
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader
          title="Passkeys"
          action={
            <Button size="xs" disabled={obstacle !== null} onClick={() => setAdding(true)}>
              Add a passkey
            </Button>
          }
        >
          Sign in with your finger, face, PIN or a security key. Nobody can phish or guess them.
        </CardHeader>
        {obstacle ? (
          <Alert color="gray" py="xs">
            <Text size="sm">{obstacle}</Text>
          </Alert>
        ) : null}
        <PagedList
          label="Passkeys"
          pages={passkeys}
          itemKey={(passkey) => passkey.id}
          empty={
            <Text size="sm" c="dimmed">
              You have no passkey yet. Add one on this device, then one on another, so that losing a device does not
              lock you out.
            </Text>
          }
          renderItem={(passkey) => <PasskeyLine passkey={passkey} onChange={onChange} />}
        />
      </Stack>
      <AddDialog isOpen={isAdding} onClose={() => setAdding(false)} onChange={onChange} />
    </Card>
  );
}

/** findObstacle says why no passkey can be added here, or null. */
function findObstacle({ passkeyHost }: Factors): string | null {
  if (passkeyHost === null) return 'Passkeys need a host name and HTTPS. Whoever runs this server can set PUBLIC_URL.';
  if (passkeyHost !== globalThis.location.hostname)
    return `Passkeys belong to the address ${passkeyHost}. Come by that address to add or use one.`;
  return hasPasskeys() ? null : 'This browser knows no passkeys.';
}

interface AddDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly onChange: () => void;
}

function AddDialog({ isOpen, onClose, onChange }: AddDialogProps) {
  const [name, setName] = useState('');
  const add = useMutation({
    mutationFn: async () => {
      const creation = await passkeysApi('POST /passkeys/options');
      const credential = await makePasskey(creation);
      const chosen = name.trim();
      return passkeysApi('POST /passkeys', { body: { credential, ...(chosen ? { name: chosen } : {}) } });
    },
    onSuccess: (passkey) => {
      notifications.show({ message: `The passkey “${passkey.name}” is added.` });
      onChange();
      close();
    },
  });
  const close = () => {
    setName('');
    add.reset();
    onClose();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Modal opened={isOpen} onClose={close} title="Add a passkey">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <Text size="sm">
            Your device asks for your finger, face or PIN next, or lets you choose a phone or a security key.
          </Text>
          <TextInput
            label="Name"
            description="How you will recognise it, such as Work laptop."
            maxLength={100}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasskeyProblem error={add.error} />
          <Group justify="flex-end">
            <Button type="submit" loading={add.isPending}>
              Continue
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}

function PasskeyLine({ passkey, onChange }: { readonly passkey: Passkey; readonly onChange: () => void }) {
  const [open, setOpen] = useState<'rename' | 'remove' | null>(null);
  const remove = useCall(passkeysApi, 'DELETE /passkeys/{passkeyId}', {
    onSuccess: () => {
      setOpen(null);
      onChange();
    },
  });
  return (
    <>
      <DataRow
        icon={<IconFingerprint size={22} stroke={1.5} />}
        title={passkey.name}
        description={
          <>
            Added <TimeAgo at={passkey.createdAt} /> ·{' '}
            {passkey.lastUsedAt ? (
              <>
                used <TimeAgo at={passkey.lastUsedAt} />
              </>
            ) : (
              'not used yet'
            )}
          </>
        }
        meta={passkey.isSynced ? <StatusBadge tone="neutral">Synced</StatusBadge> : null}
        actions={
          <Menu position="bottom-end">
            <Menu.Target>
              <ActionIcon variant="subtle" color="gray" size="lg" aria-label={`More for ${passkey.name}`}>
                <IconDotsVertical size={18} />
              </ActionIcon>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => setOpen('rename')}>
                Rename
              </Menu.Item>
              <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={() => setOpen('remove')}>
                Remove
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        }
      />
      <RenameDialog passkey={passkey} isOpen={open === 'rename'} onClose={() => setOpen(null)} onChange={onChange} />
      <ConfirmDialog
        isOpen={open === 'remove'}
        title={`Remove the passkey “${passkey.name}”?`}
        confirmLabel="Remove"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ params: { passkeyId: passkey.id } })}
        onClose={() => {
          setOpen(null);
          remove.reset();
        }}
      >
        It does not sign you in any more. Delete it on the device as well, or the device goes on offering it.
      </ConfirmDialog>
    </>
  );
}

interface RenameDialogProps extends AddDialogProps {
  readonly passkey: Passkey;
}

function RenameDialog({ passkey, isOpen, onClose, onChange }: RenameDialogProps) {
  const [name, setName] = useState(passkey.name);
  const rename = useCall(passkeysApi, 'PATCH /passkeys/{passkeyId}', {
    onSuccess: () => {
      onChange();
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    rename.mutate({ params: { passkeyId: passkey.id }, body: { name } });
  };
  return (
    <Modal opened={isOpen} onClose={onClose} title="Rename the passkey">
      <form onSubmit={submit}>
        <Stack gap="sm">
          <TextInput
            label="Name"
            required
            maxLength={100}
            data-autofocus
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <FormProblem error={rename.error} />
          <Group justify="flex-end">
            <Button type="submit" loading={rename.isPending} disabled={name.trim() === ''}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
