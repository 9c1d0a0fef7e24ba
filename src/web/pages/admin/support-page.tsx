/** Settings: who asked to look into this organisation; an owner lets them in, refuses, or ends it. */
import { Button, Group, Text } from '@mantine/core';
import { IconLifebuoy } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { keyOf, useCall, usePages } from '../../api-hooks.ts';
import { usePermission, useSession } from '../../session.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState, FormProblem } from '../../ui/states.tsx';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { supportApi, type Grant } from './admin-api.ts';
import classes from './admin.module.css';
import { hoursOf, SupportState, untilOf } from './support-state.tsx';

export default function SupportPage() {
  const grants = usePages(supportApi, 'GET /support-access', {});
  return (
    <>
      <PageHeader
        title="Support access"
        description="Who runs this server sees nothing of what is in this organisation, unless an owner lets them look for some hours."
      />
      <PagedList
        label="Support access"
        pages={grants}
        itemKey={(grant) => grant.id}
        empty={
          <EmptyState icon={IconLifebuoy} title="Nobody has asked">
            When you need help, who runs this server may ask to look in. The question shows up here, and you decide.
            They only read, what people keep for themselves stays hidden, and the audit trail says what was looked at.
          </EmptyState>
        }
        renderItem={(grant) => <GrantRow grant={grant} />}
      />
    </>
  );
}

function GrantRow({ grant }: { readonly grant: Grant }) {
  const mayAnswer = usePermission('support.access.answer');
  const answered = grant.answeredBy && grant.state !== 'ended' ? ` · by ${grant.answeredBy}` : '';
  return (
    <div className={classes.grant}>
      <Group justify="space-between" gap="xs">
        <Text fw={550}>
          {grant.askedBy}, for {hoursOf(grant)}
        </Text>
        <SupportState state={grant.state} />
      </Group>
      <Text size="sm" className={classes.reason}>
        “{grant.reason}”
      </Text>
      <Text size="sm" c="dimmed">
        Asked <TimeAgo at={grant.createdAt} />
        {untilOf(grant)}
        {answered}
      </Text>
      {mayAnswer ? <Answers grant={grant} /> : null}
    </div>
  );
}

function Answers({ grant }: { readonly grant: Grant }) {
  const { organisation } = useSession();
  const queryClient = useQueryClient();
  const [isConsenting, setConsenting] = useState(false);
  const onSuccess = () => {
    setConsenting(false);
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /support-access') });
  };
  const consent = useCall(supportApi, 'POST /support-access/{grantId}/consent', { onSuccess });
  const refuse = useCall(supportApi, 'POST /support-access/{grantId}/refuse', { onSuccess });
  const revoke = useCall(supportApi, 'POST /support-access/{grantId}/revoke', { onSuccess });
  const params = { grantId: grant.id };
  if (grant.state === 'granted')
    return (
      <Group gap="xs">
        <FormProblem error={revoke.error} />
        <Button
          size="xs"
          color="red"
          variant="filled"
          loading={revoke.isPending}
          onClick={() => revoke.mutate({ params })}
        >
          End it now
        </Button>
      </Group>
    );
  if (grant.state !== 'asked') return null;
  return (
    <>
      <FormProblem error={refuse.error} />
      <Group gap="xs">
        <Button size="xs" variant="default" loading={refuse.isPending} onClick={() => refuse.mutate({ params })}>
          Refuse
        </Button>
        <Button size="xs" onClick={() => setConsenting(true)}>
          Let in
        </Button>
      </Group>
      <ConfirmDialog
        isOpen={isConsenting}
        title={`Let ${grant.askedBy} look into ${organisation.name}?`}
        confirmLabel={`Let in for ${hoursOf(grant)}`}
        isReversible
        isBusy={consent.isPending}
        error={consent.error}
        onConfirm={() => consent.mutate({ params })}
        onClose={() => setConsenting(false)}
      >
        The reason given: “{grant.reason}” They see what a viewer sees: agents, knowledge, members and settings, but no
        conversations of your people and no keys. They change nothing. You can end it at any moment, and everything they
        read is in the audit trail.
      </ConfirmDialog>
    </>
  );
}
