/** DomainList shows which mail domains lead to a provider and how each is proved; claiming comes first, proof after. */
import { Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { showFieldErrors } from '../../ui/form.ts';
import { FormProblem } from '../../ui/states.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { CopyField } from './copy-field.tsx';
import { signOnApi, type SsoConnection, type SsoDomain } from './sign-on-api.ts';
import classes from './sign-on.module.css';

interface DomainListProps {
  readonly connection: SsoConnection;
  readonly mayChange: boolean;
  readonly onChange: () => void;
}

export function DomainList({ connection, mayChange, onChange }: DomainListProps) {
  return (
    <section aria-label={`Mail domains of ${connection.name}`}>
      <Title order={3} size="h5">
        Mail domains
      </Title>
      <Text size="sm" c="dimmed" mb="xs">
        Whoever enters an address of one of these when signing in is led to this provider.
      </Text>
      {connection.domains.map((domain) => (
        <DomainLine key={domain.id} domain={domain} mayChange={mayChange} onChange={onChange} />
      ))}
      {mayChange ? <ClaimForm connectionId={connection.id} onClaimed={onChange} /> : null}
    </section>
  );
}

interface DomainLineProps {
  readonly domain: SsoDomain;
  readonly mayChange: boolean;
  readonly onChange: () => void;
}

function DomainLine({ domain, mayChange, onChange }: DomainLineProps) {
  const params = { ssoDomainId: domain.id };
  const [isConfirming, setConfirming] = useState(false);
  const verify = useCall(signOnApi, 'POST /sso-domains/{ssoDomainId}/verify', { onSuccess: onChange });
  const remove = useCall(signOnApi, 'DELETE /sso-domains/{ssoDomainId}', { onSuccess: onChange });
  return (
    <Stack gap="xs" className={classes.domain}>
      <Group justify="space-between" gap="xs">
        <Group gap="xs">
          <Text size="sm" fw={550}>
            {domain.domain}
          </Text>
          <StatusBadge tone={domain.isVerified ? 'good' : 'warning'}>
            {domain.isVerified ? (domain.verifiedBy === 'operator' ? 'Confirmed' : 'Verified') : 'Waiting for proof'}
          </StatusBadge>
        </Group>
        {mayChange ? (
          <Group gap="xs">
            {domain.isVerified ? null : (
              <Button size="xs" loading={verify.isPending} onClick={() => verify.mutate({ params })}>
                Check now
              </Button>
            )}
            <Button
              size="xs"
              variant="default"
              loading={remove.isPending}
              aria-label={`Remove ${domain.domain}`}
              onClick={() => (domain.isVerified ? setConfirming(true) : remove.mutate({ params }))}
            >
              Remove
            </Button>
          </Group>
        ) : null}
      </Group>
      {domain.isVerified ? null : (
        <>
          <CopyField label="Add this TXT record to the domain" value={domain.record} />
          <Text size="xs" c="dimmed">
            No public DNS? Whoever runs this server can confirm the domain instead.
          </Text>
        </>
      )}
      <FormProblem error={verify.error ?? (isConfirming ? null : remove.error)} />
      <ConfirmDialog
        isOpen={isConfirming}
        title={`Remove ${domain.domain}?`}
        confirmLabel="Remove"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate({ params })}
        onClose={() => setConfirming(false)}
      >
        Addresses of this domain no longer lead to the provider, and nobody new can join with one. Members stay, and
        those who came this way before can go on. To use the domain again you have to prove it anew.
      </ConfirmDialog>
    </Stack>
  );
}

function ClaimForm({ connectionId, onClaimed }: { readonly connectionId: string; readonly onClaimed: () => void }) {
  const form = useForm({ initialValues: { domain: '' } });
  const [problem, setProblem] = useState<unknown>(null);
  const claim = useCall(signOnApi, 'POST /sso-connections/{ssoConnectionId}/domains', {
    onMutate: () => setProblem(null),
    onSuccess: () => {
      form.reset();
      onClaimed();
    },
    onError: (error) => setProblem(showFieldErrors(form, error)),
  });
  return (
    <form
      onSubmit={form.onSubmit((body) => claim.mutate({ params: { ssoConnectionId: connectionId }, body }))}
      className={classes.domain}
    >
      <Group align="flex-end" gap="xs">
        <TextInput
          label="Domain"
          placeholder="example.com"
          autoCapitalize="none"
          spellCheck={false}
          required
          flex="1 1 12rem"
          {...form.getInputProps('domain')}
        />
        <Button type="submit" variant="default" loading={claim.isPending}>
          Add the domain
        </Button>
      </Group>
      <FormProblem error={problem} />
    </form>
  );
}
