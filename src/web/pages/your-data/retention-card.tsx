/** "How long data is kept": each kind of data has a number of days, or stays until somebody deletes it. */
import { Button, Card, Group, NumberInput, Select, Stack, Text } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState, type FormEvent } from 'react';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { useSession } from '../../session.ts';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { CardHeader } from '../security/card-header.tsx';
import classes from './data.module.css';
import { privacyApi, type RetentionRule } from './privacy-api.ts';

const presets = [30, 90, 180, 365, 730];
const maxDays = 36_500;
const other = 'other';
const standard = 'default';

export function RetentionCard() {
  const { organisation } = useSession();
  const retention = useQuery(queryOf(privacyApi, 'GET /organisation/retention'));
  return (
    <Card className={classes.card}>
      <Stack gap="sm">
        <CardHeader title="How long data is kept">
          {organisation.isPersonal ? (
            'In your personal organisation.'
          ) : (
            <>
              In <strong>{organisation.name}</strong>, for everybody in it.
            </>
          )}{' '}
          What is older is deleted by itself, without a further question.
        </CardHeader>
        {retention.isPending ? <LoadingRows rows={1} /> : null}
        {retention.error && !retention.data ? (
          <ErrorState error={retention.error} onRetry={() => void retention.refetch()} />
        ) : null}
        {retention.data?.rules.map((rule) => (
          <RuleRow key={rule.kind} rule={rule} />
        ))}
      </Stack>
    </Card>
  );
}

/** RuleRow saves at once what keeps data longer, and asks first before data is deleted. */
function RuleRow({ rule }: { readonly rule: RetentionRule }) {
  const queryClient = useQueryClient();
  const [isTyping, setTyping] = useState(false);
  /** The days to ask about. */
  const [asked, setAsked] = useState<number | null>(null);
  const save = useCall(privacyApi, 'PUT /organisation/retention/{retentionKind}', {
    onSuccess: (rules) => {
      queryClient.setQueryData(keyOf('GET /organisation/retention', undefined), rules);
      setAsked(null);
      setTyping(false);
      notifications.show({ message: 'Saved. It holds from now on.' });
    },
    onError: ({ message }) => (asked === null ? notifications.show({ color: 'red', message }) : undefined),
  });
  const keep = (keepDays: number | null) => save.mutate({ params: { retentionKind: rule.kind }, body: { keepDays } });
  const choose = (keepDays: number | null) => {
    const after = keepDays ?? rule.defaultDays;
    const isShorter = after !== null && (rule.keepDays === null || after < rule.keepDays);
    if (isShorter) setAsked(after);
    else keep(keepDays);
  };
  return (
    <div className={classes.rule}>
      <Select
        label={rule.title}
        data={optionsOf(rule)}
        value={isTyping ? other : valueOf(rule)}
        allowDeselect={false}
        disabled={save.isPending}
        onChange={(value) => {
          setTyping(value === other);
          if (value !== other) choose(value === standard ? null : Number(value));
        }}
      />
      {isTyping ? <DaysForm start={rule.keepDays ?? 60} onSubmit={choose} onClose={() => setTyping(false)} /> : null}
      <ConfirmDialog
        isOpen={asked !== null}
        title={`Keep it for ${lengthOf(asked ?? 1)} only?`}
        confirmLabel="Delete what is older"
        isBusy={save.isPending}
        error={save.error}
        onConfirm={() => keep(asked === rule.defaultDays ? null : asked)}
        onClose={() => {
          setAsked(null);
          save.reset();
        }}
      >
        <strong>{rule.title}:</strong> everything older than {lengthOf(asked ?? 1)} is deleted within minutes, of
        everybody in this organisation, and so is from then on whatever becomes that old. It cannot be brought back,
        except from copies that people made of their data.
      </ConfirmDialog>
    </div>
  );
}

interface DaysFormProps {
  readonly start: number;
  readonly onSubmit: (days: number) => void;
  readonly onClose: () => void;
}

function DaysForm({ start, onSubmit, onClose }: DaysFormProps) {
  const [days, setDays] = useState<number | string>(start);
  const isValid = typeof days === 'number' && days >= 1 && days <= maxDays;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isValid) onSubmit(days);
  };
  return (
    <form onSubmit={submit}>
      <Group align="flex-end" gap="xs" mt="xs">
        <NumberInput
          label="Days"
          required
          value={days}
          onChange={setDays}
          min={1}
          max={maxDays}
          allowDecimal={false}
          clampBehavior="none"
          error={isValid ? null : `From 1 to ${maxDays.toLocaleString()}`}
          data-autofocus
          autoFocus
          w="8rem"
        />
        <Button type="submit" disabled={!isValid}>
          Set
        </Button>
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
      </Group>
      <Text size="xs" c="dimmed" mt={4}>
        Counted from the day on which it was last changed.
      </Text>
    </form>
  );
}

function valueOf({ keepDays, defaultDays }: RetentionRule): string {
  return keepDays === defaultDays ? standard : String(keepDays);
}

function optionsOf({ keepDays, defaultDays }: RetentionRule) {
  const days = new Set([...presets, ...(keepDays === null ? [] : [keepDays])]);
  if (defaultDays !== null) days.delete(defaultDays);
  const usual = defaultDays === null ? 'Until somebody deletes it' : `For ${lengthOf(defaultDays)} (the usual)`;
  return [
    { value: standard, label: usual },
    ...[...days].sort((a, b) => a - b).map((value) => ({ value: String(value), label: `For ${lengthOf(value)}` })),
    { value: other, label: 'For another number of days…' },
  ];
}

/** lengthOf writes days as people say them: `90 days`, `1 year`. */
function lengthOf(days: number): string {
  if (days % 365 === 0) return days === 365 ? '1 year' : `${days / 365} years`;
  return days === 1 ? '1 day' : `${days.toLocaleString()} days`;
}
