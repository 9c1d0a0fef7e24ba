/** The audit trail's API for its page, and the words in which people read it. */
import type { auditContract } from '../../../kernel/audit/contract.ts';
import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import { queryOf } from '../../api-hooks.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';

export const auditApi = createApi<typeof auditContract>();

export type AuditRecord = ItemOf<(typeof auditContract)['GET /audit-records']>;
export type Verdict = CallOutput<(typeof auditContract)['GET /audit-records/verification']>;

/** kindLabels say how something was done. */
export const kindLabels: Readonly<Record<string, string>> = {
  session: 'Signed in',
  key: 'API key',
  token: 'Phone or program',
  run: 'By a run',
  support: 'Operator, let in',
  system: 'Bulkhead itself',
};

const actionsQuery = { ...queryOf(auditApi, 'GET /audit-actions'), staleTime: Number.POSITIVE_INFINITY };

/** useActionLabels is what each action is called, by its id; empty until it is known, or when it could not be read. */
export function useActionLabels(): { readonly labels: ReadonlyMap<string, string>; readonly isPending: boolean } {
  const { data, isPending } = useQuery(actionsQuery);
  const labels = useMemo(() => new Map(data?.actions.map(({ action, label }) => [action, label])), [data]);
  return { labels, isPending };
}

/** isTakenOut tells whether a text of the record went with the account of somebody it named. */
export function isTakenOut({ anonymised }: Pick<AuditRecord, 'anonymised'>, field: string): boolean {
  return anonymised?.fields.includes(field) ?? false;
}

/** nameActor is who did it, in a word or two. */
export function nameActor(record: Pick<AuditRecord, 'actor' | 'anonymised'>): string {
  const { kind, name, userId } = record.actor;
  if (isTakenOut(record, 'actorUserId')) return 'A deleted person';
  if (kind === 'system' || userId === null) return 'Bulkhead';
  return name ?? 'Deleted account';
}

/** nameResource is what was acted on; of a person who was erased only that it was one. */
export function nameResource(record: Pick<AuditRecord, 'resource' | 'anonymised'>): string {
  return isTakenOut(record, 'resource') ? `${record.resource} a deleted person`.trim() : record.resource;
}

const reasons: Record<NonNullable<Verdict['reason']>, string> = {
  changed: 'is not what was written',
  missing: 'is missing',
  truncated: 'and what followed it are gone',
  inserted: 'was not written by Bulkhead',
};

/** describeBreak says what is wrong with a broken chain. */
export function describeBreak({ brokenAt, reason }: Verdict): string {
  return `Record ${(brokenAt ?? 0).toLocaleString()} ${reasons[reason ?? 'changed']}.`;
}
