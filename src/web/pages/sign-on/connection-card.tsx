/** ConnectionCard shows one identity provider: how it stands, what its side needs of us, its domains, and whether it is compulsory. */
import { Button, Card, Group, Stack, Switch, Text, Title } from '@mantine/core';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { FormProblem } from '../../ui/states.tsx';
import { StatusBadge } from '../../ui/status-badge.tsx';
import { CopyField } from './copy-field.tsx';
import { DomainList } from './domain-list.tsx';
import { signOnApi, type SsoConnection } from './sign-on-api.ts';
import classes from './sign-on.module.css';

interface ConnectionCardProps {
  readonly connection: SsoConnection;
  readonly mayChange: boolean;
  readonly onEdit: () => void;
  readonly onDelete: () => void;
  readonly onChange: () => void;
}

export function ConnectionCard({ connection, mayChange, onEdit, onDelete, onChange }: ConnectionCardProps) {
  const { id, name, kind } = connection;
  const test = useCall(signOnApi, 'POST /sso-connections/{ssoConnectionId}/test', { onSuccess: onChange });
  return (
    <Card className={classes.card}>
      <Stack gap="md">
        <Group justify="space-between" gap="xs">
          <Group gap="xs">
            <Title order={2} size="h4">
              {name}
            </Title>
            <StateBadge connection={connection} />
          </Group>
          {mayChange ? (
            <Group gap="xs">
              <Button
                size="xs"
                variant="default"
                loading={test.isPending}
                onClick={() => test.mutate({ params: { ssoConnectionId: id } })}
              >
                Test
              </Button>
              <Button size="xs" variant="default" onClick={onEdit}>
                Edit
              </Button>
              <Button size="xs" variant="default" onClick={onDelete}>
                Disconnect
              </Button>
            </Group>
          ) : null}
        </Group>
        <Facts connection={connection} />
        {test.data ? (
          <Text size="sm" role="status" className={classes.outcome} data-ok={test.data.isOk || undefined}>
            {test.data.detail}
          </Text>
        ) : null}
        <FormProblem error={test.error} />
        <Stack gap="xs">
          {kind === 'oidc' ? (
            <>
              <CopyField label="Redirect address to register at the provider" value={connection.redirectUri} />
              <CopyField label="Back-channel logout address" value={connection.backchannelLogoutUri} />
              {connection.signsOutAtProvider ? (
                <CopyField label="Address after signing out" value={connection.postLogoutRedirectUri} />
              ) : null}
            </>
          ) : (
            <>
              <CopyField label="Assertion consumer service (ACS)" value={connection.acsUrl} />
              <CopyField label="Entity id (audience)" value={connection.entityId} />
              <CopyField label="Our metadata" value={connection.metadataUrl} />
              <Downloads connection={connection} />
            </>
          )}
        </Stack>
        <DomainList connection={connection} mayChange={mayChange} onChange={onChange} />
        {mayChange ? <Enforcement connection={connection} onChange={onChange} /> : null}
      </Stack>
    </Card>
  );
}

/** What providers take as files: everything at once, or the certificate alone to encrypt for. */
function Downloads({ connection: { metadataUrl, ownCertificate, name } }: { readonly connection: SsoConnection }) {
  const isHere = URL.canParse(metadataUrl);
  const path = isHere ? new URL(metadataUrl).pathname + new URL(metadataUrl).search : metadataUrl;
  return (
    <Group gap="xs">
      <Button component="a" href={path} download size="xs" variant="default">
        Download metadata
      </Button>
      {ownCertificate ? (
        <Button
          component="a"
          href={`data:application/x-pem-file;base64,${btoa(ownCertificate.pem)}`}
          download="bulkhead.cer"
          aria-label={`Download certificate for ${name}`}
          size="xs"
          variant="default"
        >
          Download certificate
        </Button>
      ) : null}
    </Group>
  );
}

function StateBadge({ connection }: { readonly connection: SsoConnection }) {
  const { lastProblem, lastSuccessAt, certificates, domains, isEnforced } = connection;
  if (certificates.length > 0 && certificates.every(({ isExpired }) => isExpired))
    return <StatusBadge tone="bad">Certificate expired</StatusBadge>;
  if (lastProblem) return <StatusBadge tone="bad">Failed last time</StatusBadge>;
  if (!domains.some(({ isVerified }) => isVerified)) return <StatusBadge tone="warning">No domain yet</StatusBadge>;
  if (!lastSuccessAt) return <StatusBadge tone="neutral">Not used yet</StatusBadge>;
  return <StatusBadge tone="good">{isEnforced ? 'Compulsory' : 'Works'}</StatusBadge>;
}

function Facts({ connection }: { readonly connection: SsoConnection }) {
  const { kind, issuer, lastProblem, lastSuccessAt, certificates } = connection;
  return (
    <Stack gap={4}>
      <Text size="sm" c="dimmed">
        {kind === 'oidc' ? 'OpenID Connect' : 'SAML'} · {issuer}
      </Text>
      {certificates.map(({ fingerprint, subject, expiresAt, isExpired }) => (
        <Text key={fingerprint} size="sm" c={isExpired ? 'red' : 'dimmed'}>
          Certificate {subject} {isExpired ? 'expired on' : 'is good until'} {expiresAt.slice(0, 10)}
        </Text>
      ))}
      {lastSuccessAt ? (
        <Text size="sm" c="dimmed">
          Last sign-in <TimeAgo at={lastSuccessAt} />
        </Text>
      ) : null}
      {lastProblem ? (
        <Text size="sm" className={classes.outcome}>
          Failed <TimeAgo at={lastProblem.at} />: {lastProblem.detail}
        </Text>
      ) : null}
    </Stack>
  );
}

function Enforcement({ connection, onChange }: { readonly connection: SsoConnection; readonly onChange: () => void }) {
  const [isConfirming, setConfirming] = useState(false);
  const update = useCall(signOnApi, 'PATCH /sso-connections/{ssoConnectionId}', {
    onSuccess: () => {
      setConfirming(false);
      onChange();
    },
  });
  const set = (isEnforced: boolean) =>
    update.mutate({ params: { ssoConnectionId: connection.id }, body: { isEnforced } });
  return (
    <>
      <Switch
        label="Members must sign in here"
        description="Everybody with an address of the domains above or who came this way before, owners apart. Needs a verified domain, and a sign-in that worked."
        checked={connection.isEnforced}
        onChange={(event) => (event.currentTarget.checked ? setConfirming(true) : set(false))}
      />
      {isConfirming ? null : <FormProblem error={update.error} />}
      <ConfirmDialog
        isOpen={isConfirming}
        title="Make this provider compulsory?"
        confirmLabel="Make it compulsory"
        isBusy={update.isPending}
        error={update.error}
        onConfirm={() => set(true)}
        onClose={() => {
          update.reset();
          setConfirming(false);
        }}
      >
        Passwords, passkeys and other providers no longer let members with these addresses in. If the provider fails,
        they stay outside until it works again. Owners keep their other ways in, so that you can switch this off.
        Sessions that are open stay open.
      </ConfirmDialog>
    </>
  );
}
