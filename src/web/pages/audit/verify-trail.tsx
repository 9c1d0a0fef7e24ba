/** Checking the chain from the page: progress while it is walked, and a verdict that says what it means. */
import { Alert, Button, Progress, Stack, Text } from '@mantine/core';
import { IconAlertTriangle, IconShieldCheck } from '@tabler/icons-react';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';
import { ErrorState } from '../../ui/states.tsx';
import { describeBreak, type Verdict } from './audit-api.ts';
import classes from './audit.module.css';
import { followVerification, type Progress as Walked } from './follow-verification.ts';

/** useVerification is a verification under way; leaving the page ends it. */
export function useVerification() {
  const [progress, setProgress] = useState<Walked>({ checked: 0, total: 0 });
  const controller = useRef<AbortController | null>(null);
  useEffect(() => () => controller.current?.abort(), []);
  const mutation = useMutation({
    mutationFn: () => {
      setProgress({ checked: 0, total: 0 });
      controller.current = new AbortController();
      return followVerification(setProgress, controller.current.signal);
    },
  });
  return { ...mutation, progress };
}

type Verification = ReturnType<typeof useVerification>;

/** VerifyButton starts a verification. */
export function VerifyButton({ verification }: { readonly verification: Verification }) {
  return (
    <Button
      variant="default"
      leftSection={<IconShieldCheck size={16} />}
      loading={verification.isPending}
      onClick={() => verification.mutate()}
    >
      Verify chain
    </Button>
  );
}

/** VerificationResult stands above the list while there is something to say. */
export function VerificationResult({ verification }: { readonly verification: Verification }) {
  const { progress, isPending, data, error } = verification;
  return (
    <div aria-live="polite" className={classes.verification}>
      {isPending ? <Walking progress={progress} /> : null}
      {error ? (
        <ErrorState error={error} title="The chain could not be verified" onRetry={() => verification.mutate()} />
      ) : null}
      {data && !isPending ? <VerdictAlert verdict={data} onClose={() => verification.reset()} /> : null}
    </div>
  );
}

function Walking({ progress: { checked, total } }: { readonly progress: Walked }) {
  return (
    <Stack gap={6}>
      <Text size="sm">
        {total === 0
          ? 'Walking the chain…'
          : `${checked.toLocaleString()} of ${total.toLocaleString()} records verified`}
      </Text>
      <Progress value={total === 0 ? 0 : (checked / total) * 100} aria-label="Verification" />
    </Stack>
  );
}

function VerdictAlert({ verdict, onClose }: { readonly verdict: Verdict; readonly onClose: () => void }) {
  const isWhole = verdict.brokenAt === null;
  return (
    <Alert
      color={isWhole ? 'teal' : 'red'}
      variant="light"
      role={isWhole ? 'status' : 'alert'}
      className={isWhole ? classes.whole : undefined}
      classNames={{ title: classes.verdict }}
      icon={isWhole ? <IconShieldCheck size={20} /> : <IconAlertTriangle size={20} />}
      title={isWhole ? 'The chain is whole' : 'The chain is broken'}
      withCloseButton
      closeButtonLabel="Close"
      onClose={onClose}
    >
      <Text size="sm">{isWhole ? describeWhole(verdict) : `${describeBreak(verdict)} ${advice}`}</Text>
    </Alert>
  );
}

const advice =
  'Somebody with access to the database changed the trail. Export it now, compare it with an older export or backup, and tell whoever runs the server.';

function describeWhole({ anonymised, checked, prunedThrough }: Verdict): string {
  const records = checked === 1 ? 'The one record is' : `All ${checked.toLocaleString()} records are`;
  const pruned =
    prunedThrough === null ? '' : ` Records up to ${prunedThrough.toLocaleString()} were removed because of their age.`;
  const nameless =
    anonymised === 0
      ? ''
      : ` Out of ${anonymised === 1 ? 'one' : anonymised.toLocaleString()} of them a person was taken whose account was deleted; the trail says when.`;
  return `${records} as written, in the order in which they were written.${pruned}${nameless}`;
}
