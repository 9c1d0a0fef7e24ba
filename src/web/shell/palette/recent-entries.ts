/** Where one went through the palette lately: kept for this person and organisation in this tab only, as titles are private. */
import { IconClock } from '@tabler/icons-react';
import type { PaletteEntry } from '../../app-pages.ts';
import type { Session } from '../../session.ts';

const keptEntries = 5;

interface Kept {
  readonly to: string;
  readonly label: string;
}

const keyOf = ({ user, organisation }: Session) => `bulkhead.recent.${user.id}.${organisation.id}`;

function isKept(value: unknown): value is Kept {
  const { to, label } = (value ?? {}) as Partial<Kept>;
  return typeof to === 'string' && /^\/(?!\/)/.test(to) && typeof label === 'string';
}

function read(session: Session): Kept[] {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(keyOf(session)) ?? '[]');
    return Array.isArray(value) ? value.filter(isKept).slice(0, keptEntries) : [];
  } catch {
    return []; // storage is blocked or holds something else: nothing is recent
  }
}

/** readRecent lists what was opened last, newest first. */
export function readRecent(session: Session): PaletteEntry[] {
  return read(session).map(({ to, label }) => ({ id: `recent.${to}`, label, icon: IconClock, to }));
}

/** keepRecent puts an entry first. */
export function keepRecent(session: Session, { to, label }: PaletteEntry): void {
  if (to === undefined) return;
  const others = read(session).filter((kept) => kept.to !== to);
  try {
    sessionStorage.setItem(keyOf(session), JSON.stringify([{ to, label }, ...others].slice(0, keptEntries)));
  } catch {
    // storage is blocked or full: it is a convenience
  }
}
