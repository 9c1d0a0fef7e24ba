/** AuditRecordDrawer shows everything a record says, and leads on to what belongs together. */
import { Button, Code, Drawer, Group, Stack, Title } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { copyText } from '../../ui/copy-text.ts';
import { isTakenOut, kindLabels, nameActor, nameResource, useActionLabels, type AuditRecord } from './audit-api.ts';
import classes from './audit.module.css';
import type { AuditFilters } from './use-audit-filters.ts';

const takenOut = 'Taken out';

interface AuditRecordDrawerProps {
  /** Null while closed. */
  readonly record: AuditRecord | null;
  readonly onClose: () => void;
  readonly onFilter: (filters: AuditFilters) => void;
}

export function AuditRecordDrawer({ record, onClose, onFilter }: AuditRecordDrawerProps) {
  // The last record stays in sight while the drawer slides out.
  const [shown, setShown] = useState(record);
  if (record && record !== shown) setShown(record);
  return (
    <Drawer opened={record !== null} onClose={onClose} position="right" size="md" title="Audit record">
      {shown ? <RecordFacts record={shown} onFilter={onFilter} /> : null}
    </Drawer>
  );
}

function RecordFacts({
  record,
  onFilter,
}: {
  readonly record: AuditRecord;
  readonly onFilter: (filters: AuditFilters) => void;
}) {
  const { action, actor, address, anonymised, device, hash, occurredAt, requestId, resource, sequence } = record;
  const { userId } = actor;
  const { labels } = useActionLabels();
  const missing = (field: string) => (isTakenOut(record, field) ? takenOut : 'Not recorded');
  return (
    <Stack gap="md">
      <dl className={classes.facts}>
        <Fact
          name="Action"
          value={
            <>
              {labels.has(action) ? <div>{labels.get(action)}</div> : null}
              <Code>{action}</Code>
            </>
          }
        />
        <Fact name="Resource" value={<Code>{nameResource(record)}</Code>} />
        <Fact name="When" value={<time dateTime={occurredAt}>{formatExactly(occurredAt)}</time>} />
        <Fact name="Who" value={nameActor(record)} />
        <Fact name="How" value={kindLabels[actor.kind] ?? actor.kind} />
        <Fact
          name={actor.kind === 'system' ? 'Why' : 'By'}
          value={actor.via ? <Code>{actor.via}</Code> : missing('actorVia')}
        />
        <Fact name="From" value={address ?? missing('address')} />
        <Fact name="Device" value={device ?? missing('device')} />
        <Fact name="Request" value={requestId ? <Copyable text={requestId} what="request id" /> : 'None'} />
      </dl>
      <Details record={record} />
      <section>
        <Title order={3}>In the chain</Title>
        <dl className={classes.facts}>
          <Fact name="Place" value={sequence.toLocaleString()} />
          <Fact name="Hash" value={<Copyable text={hash} what="hash" />} />
          {anonymised ? (
            <Fact name="Anonymised" value={`${formatExactly(anonymised.at)}, when a person’s account was deleted`} />
          ) : null}
        </dl>
      </section>
      <Group gap="xs">
        {isTakenOut(record, 'resource') ? null : (
          <Button variant="default" size="xs" onClick={() => onFilter({ resource })}>
            All of this resource
          </Button>
        )}
        {userId ? (
          <Button variant="default" size="xs" onClick={() => onFilter({ actorUserId: userId })}>
            All by this person
          </Button>
        ) : null}
      </Group>
    </Stack>
  );
}

function Details({ record }: { readonly record: AuditRecord }) {
  const entries = Object.entries(record.details);
  if (entries.length === 0) return null;
  return (
    <section>
      <Title order={3}>Details</Title>
      <dl className={classes.facts}>
        {entries.map(([name, value]) => (
          <Fact
            key={name}
            name={name}
            value={isTakenOut(record, `details.${name}`) ? takenOut : <Code>{String(value)}</Code>}
          />
        ))}
      </dl>
    </section>
  );
}

function Fact({ name, value }: { readonly name: string; readonly value: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Copyable({ text, what }: { readonly text: string; readonly what: string }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <>
      <Code>{text}</Code>{' '}
      <Button
        size="compact-xs"
        variant="subtle"
        color="gray"
        aria-label={`Copy the ${what}`}
        onClick={() => void copyText(text).then(setCopied)}
      >
        {isCopied ? 'Copied' : 'Copy'}
      </Button>
    </>
  );
}

/** To the second, with the zone: a trail is compared with other logs. */
function formatExactly(iso: string): string {
  return new Date(iso).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'long' });
}
