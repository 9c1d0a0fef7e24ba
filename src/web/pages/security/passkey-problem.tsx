/** Says why a passkey was not given or not taken: the device's reasons in our words, the server's in its own. */
import { Alert, Text } from '@mantine/core';
import { FormProblem } from '../../ui/states.tsx';
import { PasskeyFailure } from './use-passkeys.ts';

export function PasskeyProblem({ error }: { readonly error: unknown }) {
  if (!(error instanceof PasskeyFailure)) return <FormProblem error={error} />;
  return (
    <Alert color={error.isCancelled ? 'yellow' : 'red'} role="alert" py="xs">
      <Text size="sm">{error.message}</Text>
    </Alert>
  );
}
