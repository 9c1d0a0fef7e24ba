/** AccountForm creates an account: the owner's at /setup, anybody's at /sign-up; field errors land at their fields. */
import { Button, Stack, TextInput } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState, type ReactNode } from 'react';
import { asProblem } from '../api.ts';
import { showFieldErrors } from '../ui/form.ts';
import { FormProblem } from '../ui/states.tsx';
import { NewPasswordField, type PasswordDemands } from './new-password-field.tsx';

export interface NewAccount {
  readonly name: string;
  readonly email: string;
  readonly password: string;
}

interface AccountFormProps {
  readonly demands: PasswordDemands;
  readonly submitLabel: string;
  /** Creates the account and goes on; throws ApiProblem. */
  readonly onSubmit: (account: NewAccount) => Promise<void>;
  /** What the address field begins with. */
  readonly email?: string;
  readonly footer?: ReactNode;
}

export function AccountForm({ demands, submitLabel, onSubmit, email = '', footer }: AccountFormProps) {
  const form = useForm<NewAccount>({ initialValues: { name: '', email, password: '' } });
  const [problem, setProblem] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const submit = async (account: NewAccount) => {
    setProblem(null);
    setBusy(true);
    try {
      await onSubmit(account);
    } catch (error) {
      setProblem(showFieldErrors(form, asProblem(error)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <form onSubmit={form.onSubmit((account) => void submit(account))}>
      <Stack gap="sm">
        <TextInput label="Your name" autoComplete="name" required autoFocus {...form.getInputProps('name')} />
        <TextInput label="E-mail" type="email" autoComplete="username" required {...form.getInputProps('email')} />
        <NewPasswordField
          label="Password"
          demands={demands}
          personal={[form.values.name, form.values.email]}
          value={form.values.password}
          error={form.errors['password']}
          onChange={(password) => form.setFieldValue('password', password)}
        />
        <FormProblem error={problem} />
        <Button type="submit" loading={isBusy} mt="xs">
          {submitLabel}
        </Button>
        {footer}
      </Stack>
    </form>
  );
}
