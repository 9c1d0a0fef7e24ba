/** AuditRecordRow is one record in the list: what, who, on what, when; the whole row opens it. */
import { UnstyledButton } from '@mantine/core';
import { IconChevronRight } from '@tabler/icons-react';
import { TimeAgo } from '../../ui/time-ago.tsx';
import { kindLabels, nameActor, nameResource, type AuditRecord } from './audit-api.ts';
import classes from './audit.module.css';

interface AuditRecordRowProps {
  readonly record: AuditRecord;
  /** What the action is called; its id stands in for it. */
  readonly label: string | undefined;
  readonly onOpen: () => void;
}

export function AuditRecordRow({ record, label, onOpen }: AuditRecordRowProps) {
  const { action, actor, occurredAt } = record;
  return (
    <UnstyledButton className={classes.record} onClick={onOpen} aria-haspopup="dialog">
      <span className={classes.what}>
        <span className={classes.action}>{label ?? action}</span>
        <span className={classes.resource}>
          {label ? `${action} · ` : null}
          {nameResource(record)}
        </span>
      </span>
      <span className={classes.who}>
        <span className={classes.name}>{nameActor(record)}</span>
        <span className={classes.how}>{kindLabels[actor.kind] ?? actor.kind}</span>
      </span>
      <span className={classes.when}>
        <TimeAgo at={occurredAt} />
      </span>
      <IconChevronRight size={18} stroke={1.5} className={classes.chevron} />
    </UnstyledButton>
  );
}
