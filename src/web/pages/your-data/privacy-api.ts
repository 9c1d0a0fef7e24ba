/** The API of people's rights over their data, for the page of settings, the shell's banner and the certificate. */
import { useQuery } from '@tanstack/react-query';
import type { privacyContract } from '../../../kernel/privacy/contract.ts';
import { queryOf } from '../../api-hooks.ts';
import { createApi, type CallOutput, type ItemOf } from '../../api.ts';
import { usePermission } from '../../session.ts';

export const privacyApi = createApi<typeof privacyContract>();

type Operations = typeof privacyContract;

export type DataExport = ItemOf<Operations['GET /exports']>;
export type DataImport = ItemOf<Operations['GET /imports']>;
export type DeletionState = CallOutput<Operations['GET /account/deletion']>;
export type Deletion = NonNullable<DeletionState['deletion']>;
export type Certificate = CallOutput<Operations['GET /deletion-certificates/{certificateId}']>;
export type RetentionRule = CallOutput<Operations['GET /organisation/retention']>['rules'][number];

const minuteMilliseconds = 60_000;

/** accountDeletionQuery is whether one's account will be deleted, and when. */
export const accountDeletionQuery = {
  ...queryOf(privacyApi, 'GET /account/deletion'),
  staleTime: minuteMilliseconds,
};

/** organisationDeletionQuery is the same for the organisation one works in. */
export const organisationDeletionQuery = {
  ...queryOf(privacyApi, 'GET /organisation/deletion'),
  staleTime: minuteMilliseconds,
};

interface Deletions {
  readonly account: Deletion | null;
  readonly organisation: Deletion | null;
}

/** useDeletions is what is about to be deleted; null while it is not known or not yet asked for, and when nothing is. */
export function useDeletions({ isAsking }: { readonly isAsking: boolean }): Deletions {
  const mayRead = usePermission('organisation.member.read');
  const account = useQuery({ ...accountDeletionQuery, enabled: isAsking });
  const organisation = useQuery({ ...organisationDeletionQuery, enabled: isAsking && mayRead });
  return { account: account.data?.deletion ?? null, organisation: organisation.data?.deletion ?? null };
}

/** pollMilliseconds is how often something under way is asked for; a tab in the background does not ask. */
export const pollMilliseconds = 1_500;

/** formatDay writes the day alone, in full: `5 December 2026`. */
export function formatDay(iso: string): string {
  return new Date(iso).toLocaleDateString(undefined, { dateStyle: 'long' });
}

/** daysText writes `1 day`, `30 days`. */
export function daysText(days: number): string {
  return days === 1 ? '1 day' : `${days.toLocaleString()} days`;
}

/** afterDays says how long one may change one's mind. */
export function afterDays(days: number): string {
  return days === 0
    ? 'at once: there is no time to change your mind'
    : `after ${daysText(days)} in which it can be taken back`;
}
