/** NameForm asks what a key or a token is called: all there is to say when it is renamed, or made. */
import { Button, Group, Stack, TextInput } from '@mantine/core';
import { useState, type FormEvent } from 'react';
import { FormProblem } from '../../ui/states.tsx';

interface NameFormProps {
  /** The name so far. */
  readonly name?: string;
  readonly description?: string;
  readonly placeholder?: string;
  /** What the button does, such as `Rename`. */
  readonly action: string;
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly onSubmit: (name: string) => void;
  readonly onCancel: () => void;
}

export function NameForm(props: NameFormProps) {
  const { action, isBusy, error, onSubmit, onCancel } = props;
  const [name, setName] = useState(props.name ?? '');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(name);
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <TextInput
          label="Name"
          description={props.description}
          placeholder={props.placeholder}
          required
          maxLength={80}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <FormProblem error={error} />
        <Group justify="flex-end" gap="xs">
          <Button variant="subtle" color="gray" onClick={onCancel}>
            Cancel
          </Button>
          <Button type="submit" loading={isBusy}>
            {action}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
