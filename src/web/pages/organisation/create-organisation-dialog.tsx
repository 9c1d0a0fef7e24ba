/** CreateOrganisationDialog makes an organisation to share, and goes there: inviting people is what comes next. */
import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useMutation } from '@tanstack/react-query';
import { asProblem, newIdempotencyKey } from '../../api.ts';
import { goToOrganisation, tenancyApi } from '../../organisation.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { useState } from 'react';

export function CreateOrganisationDialog({
  isOpen,
  onClose,
}: {
  readonly isOpen: boolean;
  readonly onClose: () => void;
}) {
  const form = useForm({ initialValues: { name: '' } });
  // One key per dialog: when going there failed, trying again makes no second organisation.
  const [idempotencyKey, setKey] = useState(newIdempotencyKey);
  const [problem, setProblem] = useState<unknown>(null);
  const create = useMutation({
    mutationFn: async (body: { name: string }) => {
      const { id } = await tenancyApi('POST /organisations', { body, idempotencyKey });
      await goToOrganisation(id, '/settings/members');
    },
    onMutate: () => setProblem(null),
    onError: (error) => {
      const known = asProblem(error);
      setProblem(showFieldErrors(form, known));
      if (known.status >= 400 && known.status < 500) setKey(newIdempotencyKey());
    },
  });
  const isLeaving = create.isPending || create.isSuccess;
  return (
    <Modal opened={isOpen} onClose={onClose} title="Create an organisation">
      <form onSubmit={form.onSubmit((body) => create.mutate(body))}>
        <Stack>
          <Text size="sm" c="dimmed">
            For a team: its agents, knowledge and models are shared by the people you invite. Your personal organisation
            stays yours.
          </Text>
          <TextInput
            label="Name"
            placeholder="Lighthouse"
            required
            maxLength={200}
            data-autofocus
            {...form.getInputProps('name')}
          />
          <FormProblem error={problem} />
          <Group justify="flex-end" gap="xs">
            <Button variant="default" onClick={onClose}>
              Cancel
            </Button>
            <Button type="submit" loading={isLeaving}>
              Create
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  );
}
