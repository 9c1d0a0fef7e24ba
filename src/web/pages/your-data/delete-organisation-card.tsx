/** "Delete this organisation": for its owners, after its name was typed, with time to change one's mind. */
import { Button, Card, Group, List, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { asProblem } from '../../api.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { CardHeader } from '../security/card-header.tsx';
import classes from './data.module.css';
import { DeletionNotice } from './deletion-notice.tsx';
import { afterDays, daysText, organisationDeletionQuery, privacyApi, type DeletionState } from './privacy-api.ts';
import { useKeepOrganisation } from './use-deletion.ts';

export function DeleteOrganisationCard({ name }: { readonly name: string }) {
  const state = useQuery(organisationDeletionQuery);
  const [isOpen, setOpen] = useState(false);
  const keep = useKeepOrganisation();
  const deletion = state.data?.deletion;
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader
          title="Delete this organisation"
          action={
            state.data && !deletion ? (
              <Button size="xs" variant="default" c="var(--mantine-color-error)" onClick={() => setOpen(true)}>
                Delete the organisation…
              </Button>
            ) : null
          }
        >
          <strong>{name}</strong> and everything in it: agents, documents, conversations, keys, its audit trail. Its
          members keep their accounts and lose access.
        </CardHeader>
        {state.isPending ? <LoadingRows rows={1} height={36} /> : null}
        {state.error && !state.data ? <ErrorState error={state.error} onRetry={() => void state.refetch()} /> : null}
        {deletion ? (
          <DeletionNotice
            deletion={deletion}
            what={name}
            keepLabel="Keep the organisation"
            isBusy={keep.isPending}
            error={keep.error}
            onKeep={() => keep.mutate({})}
          />
        ) : null}
      </Stack>
      <Modal opened={isOpen} onClose={() => setOpen(false)} title={`Delete ${name}?`}>
        {state.data ? <NameForm name={name} state={state.data} onClose={() => setOpen(false)} /> : null}
      </Modal>
    </Card>
  );
}

interface NameFormProps {
  readonly name: string;
  readonly state: DeletionState;
  readonly onClose: () => void;
}

function NameForm({ name, state: { graceDays, backupsKeptDays }, onClose }: NameFormProps) {
  const queryClient = useQueryClient();
  const form = useForm({ initialValues: { name: '' } });
  const [problem, setProblem] = useState<unknown>(null);
  const ask = useCall(privacyApi, 'POST /organisation/deletion', {
    onMutate: () => setProblem(null),
    onSuccess: (state) => {
      queryClient.setQueryData(organisationDeletionQuery.queryKey, state);
      onClose();
    },
    onError: (error) => setProblem(showFieldErrors(form, asProblem(error))),
  });
  return (
    <form onSubmit={form.onSubmit((body) => ask.mutate({ body }))}>
      <Stack gap="md">
        <List size="sm" spacing={4}>
          <List.Item>Everything in it is deleted for all its members, {afterDays(graceDays)}.</List.Item>
          <List.Item>Until then it works as before, and every page says that it ends.</List.Item>
          <List.Item>Owners and admins are told now. A certificate says afterwards what was deleted.</List.Item>
          <List.Item>
            Backups of the server hold it for {daysText(backupsKeptDays)} longer at most; nothing else does.
          </List.Item>
        </List>
        <Text size="sm">To keep something, let its people make copies of their data before.</Text>
        <TextInput
          label={`Type “${name}” to confirm`}
          required
          maxLength={200}
          autoComplete="off"
          data-autofocus
          {...form.getInputProps('name')}
        />
        <FormProblem error={problem} />
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" color="red" loading={ask.isPending} disabled={form.values.name.trim() === ''}>
            Delete the organisation
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
