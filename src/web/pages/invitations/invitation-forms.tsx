/** The two forms of an invitation, by mail and by link: what is asked, sent and said is the same wherever one invites. */
import { Alert, Button, Group, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { IconInfoCircle } from '@tabler/icons-react';
import { useMutation, useQueryClient, type QueryKey } from '@tanstack/react-query';
import { useState } from 'react';
import { asProblem } from '../../api.ts';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';

/** How long an invitation may stand open. */
const lifetimes = [
  { value: '1', label: '1 day' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
];

interface RoleChoice {
  readonly value: string;
  readonly label: string;
}

interface FormProps {
  /** The roles that one may give, the usual one first; none where an invitation gives no role. */
  readonly roles?: readonly RoleChoice[];
  /** The list in which the invitation shows up. */
  readonly listKey: QueryKey;
}

interface MailInvitation {
  readonly email: string;
  /** One of `roles`; empty without. */
  readonly role: string;
  readonly expiresInDays: number;
}

interface MailInvitationFormProps extends FormProps {
  readonly sendsMail: boolean;
  /** Whose outbox the message waits in where the server sends no mail, such as `your outbox`. */
  readonly outbox: string;
  /** What the link in the mail does. */
  readonly description: string;
  readonly send: (invitation: MailInvitation) => Promise<{ readonly email: string | null }>;
  readonly onSent: () => void;
}

/** MailInvitationForm invites one person. */
export function MailInvitationForm(props: MailInvitationFormProps) {
  const { roles, listKey, sendsMail, outbox, description, send, onSent } = props;
  const queryClient = useQueryClient();
  const form = useForm({ initialValues: { email: '', role: roles?.[0]?.value ?? '', expiresInDays: '7' } });
  const [problem, setProblem] = useState<unknown>(null);
  const invite = useMutation({
    mutationFn: send,
    onMutate: () => setProblem(null),
    onSuccess: async ({ email }) => {
      onSent();
      notifications.show({
        message: sendsMail
          ? `The invitation is on its way to ${email}.`
          : `The invitation of ${email} waits in the outbox.`,
      });
      await queryClient.invalidateQueries({ queryKey: listKey });
    },
    onError: (error) => setProblem(showFieldErrors(form, asProblem(error))),
  });
  const submit = form.onSubmit(({ email, role, expiresInDays }) =>
    invite.mutate({ email, role, expiresInDays: Number(expiresInDays) }),
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        {sendsMail ? null : (
          <Alert color="gray" icon={<IconInfoCircle size={20} />} title="This server sends no mail yet">
            The message would wait in {outbox}. Make a link instead and pass it on yourself.
          </Alert>
        )}
        <TextInput
          label="E-mail"
          type="email"
          description={description}
          required
          maxLength={254}
          data-autofocus
          {...form.getInputProps('email')}
        />
        {roles ? <Select label="Role" data={roles} allowDeselect={false} {...form.getInputProps('role')} /> : null}
        <Select label="Ends after" data={lifetimes} allowDeselect={false} {...form.getInputProps('expiresInDays')} />
        <FormProblem error={problem} />
        <Group justify="flex-end">
          <Button type="submit" loading={invite.isPending}>
            Send the invitation
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

interface LinkInvitation {
  /** One of `roles`; empty without. */
  readonly role: string;
  readonly maxUses: number;
  readonly expiresInDays: number;
}

interface LinkInvitationFormProps extends FormProps {
  /** What whoever has the link can do. */
  readonly purpose: string;
  /** How many people, unless one says otherwise. */
  readonly usualUses: number;
  readonly create: (link: LinkInvitation) => Promise<{ readonly token: string }>;
  readonly onLink: (link: string) => void;
}

/** LinkInvitationForm makes a link for as many people as one says. */
export function LinkInvitationForm(props: LinkInvitationFormProps) {
  const { roles, listKey, purpose, usualUses, create, onLink } = props;
  const queryClient = useQueryClient();
  const form = useForm({
    initialValues: { role: roles?.[0]?.value ?? '', maxUses: usualUses as number | string, expiresInDays: '7' },
  });
  const [problem, setProblem] = useState<unknown>(null);
  const creation = useMutation({
    mutationFn: create,
    onMutate: () => setProblem(null),
    onSuccess: async ({ token }) => {
      onLink(`${location.origin}/invitation#token=${token}`);
      await queryClient.invalidateQueries({ queryKey: listKey });
    },
    onError: (error) => setProblem(showFieldErrors(form, asProblem(error))),
  });
  const submit = form.onSubmit(({ role, maxUses, expiresInDays }) =>
    creation.mutate({ role, maxUses: Number(maxUses), expiresInDays: Number(expiresInDays) }),
  );
  return (
    <form onSubmit={submit}>
      <Stack>
        <Text size="sm" c="dimmed">
          {purpose} Pass it on only where all may.
        </Text>
        {roles ? <Select label="Role" data={roles} allowDeselect={false} {...form.getInputProps('role')} /> : null}
        <NumberInput
          label="How many people"
          min={1}
          max={1000}
          allowDecimal={false}
          required
          {...form.getInputProps('maxUses')}
        />
        <Select label="Ends after" data={lifetimes} allowDeselect={false} {...form.getInputProps('expiresInDays')} />
        <FormProblem error={problem} />
        <Group justify="flex-end">
          <Button type="submit" loading={creation.isPending}>
            Create the link
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
