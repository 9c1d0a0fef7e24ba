/** Settings of the person: picture, name, username, password. */
import { Button, Card, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useCall } from '../api-hooks.ts';
import { authApi, sessionQuery, setupQuery, useSession } from '../session.ts';
import { showFieldErrors } from '../ui/form.ts';
import { PageHeader } from '../ui/page-header.tsx';
import { PasswordField } from '../ui/password-field.tsx';
import { FormProblem } from '../ui/states.tsx';
import { EmailForm } from './mail-proofs/email-form.tsx';
import { NewPasswordField } from './new-password-field.tsx';
import classes from './pages.module.css';
import { PictureForm } from './picture-form.tsx';

export default function ProfilePage() {
  return (
    <div className={classes.narrow}>
      <PageHeader title="Profile" description="How you appear here, and how you sign in." />
      <Stack gap="lg">
        <PictureForm />
        <NameForm />
        <EmailForm />
        <PasswordForm />
      </Stack>
    </div>
  );
}

function NameForm() {
  const { user } = useSession();
  const queryClient = useQueryClient();
  const form = useForm({ initialValues: { name: user.name, username: user.username ?? '' } });
  const [problem, setProblem] = useState<unknown>(null);
  const save = useCall(authApi, 'PATCH /profile', {
    onMutate: () => setProblem(null),
    onSuccess: (session) => {
      queryClient.setQueryData(sessionQuery.queryKey, session);
      form.resetDirty();
      notifications.show({ message: 'Your profile is saved.' });
    },
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  return (
    <Card>
      <form
        onSubmit={form.onSubmit(({ name, username }) =>
          save.mutate({
            // What was not touched here may have been changed in another tab: it stays as it is.
            body: {
              ...(form.isDirty('name') ? { name } : {}),
              ...(form.isDirty('username') ? { username: username.trim() || null } : {}),
            },
          }),
        )}
      >
        <Stack gap="sm">
          <Title order={2}>You</Title>
          <TextInput label="Name" autoComplete="name" required {...form.getInputProps('name')} />
          <TextInput
            label="Username"
            description="Another name to sign in with. 3 to 32 letters, digits, dots, dashes or underscores."
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            {...form.getInputProps('username')}
          />
          <FormProblem error={problem} />
          <Group justify="flex-end">
            <Button type="submit" loading={save.isPending} disabled={!form.isDirty()}>
              Save
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}

function PasswordForm() {
  const { user } = useSession();
  const setup = useQuery(setupQuery);
  const form = useForm({ initialValues: { currentPassword: '', newPassword: '' } });
  const [problem, setProblem] = useState<unknown>(null);
  const change = useCall(authApi, 'POST /profile/password', {
    onMutate: () => setProblem(null),
    onSuccess: () => {
      form.reset();
      notifications.show({ message: 'Your password is changed. Your other sessions have ended.' });
    },
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  return (
    <Card>
      <form onSubmit={form.onSubmit((body) => change.mutate({ body }))}>
        <Stack gap="sm">
          <div>
            <Title order={2}>Password</Title>
            <Text size="sm" c="dimmed">
              A new password ends your sessions on other devices.
            </Text>
          </div>
          <input type="email" name="username" autoComplete="username" value={user.email} readOnly hidden />
          <PasswordField
            label="Current password"
            autoComplete="current-password"
            required
            {...form.getInputProps('currentPassword')}
          />
          <NewPasswordField
            label="New password"
            demands={setup.data?.passwordPolicy ?? { minLength: 12, needsClasses: true }}
            personal={[user.name, user.email, user.username ?? '']}
            value={form.values.newPassword}
            error={form.errors['newPassword']}
            onChange={(password) => form.setFieldValue('newPassword', password)}
          />
          <FormProblem error={problem} />
          <Group justify="flex-end">
            <Button type="submit" loading={change.isPending}>
              Change password
            </Button>
          </Group>
        </Stack>
      </form>
    </Card>
  );
}
