/** "Delete my account": what goes, what stays and why, what stands in the way, and the way back while there is time. */
import { Button, Card, Stack, Text } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { useCall } from '../../api-hooks.ts';
import { ApiProblem } from '../../api.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { CardHeader } from '../security/card-header.tsx';
import classes from './data.module.css';
import { DeletionNotice } from './deletion-notice.tsx';
import { accountDeletionQuery, afterDays, daysText, privacyApi } from './privacy-api.ts';
import { SoleOwner } from './sole-owner.tsx';
import { useKeepAccount } from './use-deletion.ts';

/** soleOwnerOf names the organisations that would be left without an owner; empty for any other refusal. */
function soleOwnerOf(error: unknown): readonly string[] {
  const isIt = error instanceof ApiProblem && ['SOLE_OWNER', 'LAST_OWNER'].includes(error.code);
  const names = isIt ? error.document['organisations'] : null;
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
}

export function DeleteAccountCard() {
  const queryClient = useQueryClient();
  const state = useQuery(accountDeletionQuery);
  const [isOpen, setOpen] = useState(false);
  const keep = useKeepAccount();
  const ask = useCall(privacyApi, 'POST /account/deletion', {
    onSuccess: (asked) => {
      queryClient.setQueryData(accountDeletionQuery.queryKey, asked);
      setOpen(false);
    },
    onError: (error) => (soleOwnerOf(error).length > 0 ? setOpen(false) : undefined),
  });
  const inTheWay = soleOwnerOf(ask.error);
  const deletion = state.data?.deletion;
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader
          title="Delete my account"
          action={
            state.data && !deletion ? (
              <Button
                size="xs"
                variant="default"
                c="var(--mantine-color-error)"
                onClick={() => {
                  ask.reset();
                  setOpen(true);
                }}
              >
                Delete my account…
              </Button>
            ) : null
          }
        >
          Everything that is yours, on this server and for good,{' '}
          {state.data ? afterDays(state.data.graceDays) : 'after some days in which you can change your mind'}.
        </CardHeader>
        {state.isPending ? <LoadingRows rows={1} height={36} /> : null}
        {state.error && !state.data ? <ErrorState error={state.error} onRetry={() => void state.refetch()} /> : null}
        {inTheWay.length > 0 ? <SoleOwner names={inTheWay} /> : null}
        {deletion ? (
          <DeletionNotice
            deletion={deletion}
            what="Your account"
            keepLabel="Keep my account"
            isBusy={keep.isPending}
            error={keep.error}
            onKeep={() => keep.mutate({})}
          />
        ) : null}
        <WhatHappens backupsKeptDays={state.data?.backupsKeptDays ?? null} />
      </Stack>
      <ConfirmDialog
        isOpen={isOpen}
        title="Delete your account?"
        confirmLabel="Delete my account"
        isBusy={ask.isPending}
        error={inTheWay.length > 0 ? null : ask.error}
        onConfirm={() => ask.mutate({})}
        onClose={() => setOpen(false)}
      >
        <Stack gap="xs">
          <Text size="sm">
            Your account, your personal organisation and everything of yours are deleted
            {state.data ? `, ${afterDays(state.data.graceDays)}` : ''}. Then nobody can bring them back. The date is
            mailed to you.
          </Text>
          <Text size="sm">Have you made a copy of your data?</Text>
        </Stack>
      </ConfirmDialog>
    </Card>
  );
}

interface WhatHappensProps {
  /** Null while it is not known. */
  readonly backupsKeptDays: number | null;
}

function WhatHappens({ backupsKeptDays }: WhatHappensProps) {
  return (
    <details className={classes.details}>
      <summary>What is deleted, what stays, and why</summary>
      <h3>Deleted</h3>
      <ul>
        <li>Your account with its sessions, passkeys, keys, and the tokens of providers you signed in with</li>
        <li>Your personal organisation with everything in it, and organisations that nobody else belongs to</li>
        <li>What is yours alone in organisations you share: conversations, notifications, runs, copies of data</li>
        <li>Files, pictures, and what search knows of them</li>
      </ul>
      <h3>Stays</h3>
      <ul>
        <li>
          Agents and documents you made in organisations that others belong to: they are the organisation’s, and lose
          your name
        </li>
        <li>
          What was done and when, in the audit trails of those organisations, because a trail with holes proves nothing;
          who did it, from where and with what is taken out
        </li>
        <li>Sums of use and cost of those organisations, under another random id</li>
        <li>
          Backups of the server, until they are deleted in their turn
          {backupsKeptDays === null ? '' : `: ${daysText(backupsKeptDays)} at most`}, because a backup that can be
          changed is none
        </li>
      </ul>
    </details>
  );
}
