/** The filters of the audit page live in its address, so that a reload, a bookmark and the back button keep them. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

const names = ['action', 'resource', 'actorUserId', 'actorKind', 'from', 'to'] as const;

type FilterName = (typeof names)[number];

/** AuditFilters are texts as they stand in the address; `from` and `to` are days, both included. */
export type AuditFilters = Readonly<Partial<Record<FilterName, string>>>;

/** useAuditFilters gives the filters of the address and a way to change some; an empty text takes one away. */
export function useAuditFilters() {
  const search: Record<string, unknown> = useSearch({ strict: false });
  const navigate = useNavigate();
  const [clearings, setClearings] = useState(0);
  const filters: AuditFilters = Object.fromEntries(
    names.flatMap((name) => {
      const value = search[name];
      // The router reads `?resource=5` as a number.
      const isText = typeof value === 'number' || (typeof value === 'string' && value !== '');
      return isText ? [[name, String(value)]] : [];
    }),
  );
  const change = (changes: AuditFilters) => {
    const next = Object.entries({ ...filters, ...changes }).filter(([, value]) => value);
    void navigate({ to: '/settings/audit', search: Object.fromEntries(next) as never, replace: true });
  };
  const clear = () => {
    setClearings(clearings + 1);
    void navigate({ to: '/settings/audit', search: {} as never, replace: true });
  };
  return { filters, change, clear, clearings, count: Object.keys(filters).length };
}

/** startOfDay is midnight of a day of the calendar here, moved by `days`; nothing when the text is no day. */
function startOfDay(day: string | undefined, days: number): string | undefined {
  const [, year, month, date] = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day ?? '') ?? [];
  if (!year) return undefined;
  const moment = new Date(Number(year), Number(month) - 1, Number(date) + days);
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString();
}

/** toQuery is the filters as the server takes them. */
export function toQuery({ from, to, ...rest }: AuditFilters) {
  const start = startOfDay(from, 0);
  const end = startOfDay(to, 1);
  return { ...rest, ...(start ? { from: start } : {}), ...(end ? { to: end } : {}) };
}
