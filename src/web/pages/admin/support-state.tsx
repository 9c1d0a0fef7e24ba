/** SupportState says in words what became of a question for support access. */
import { formatTime } from '../../ui/format.ts';
import { StatusBadge, type Tone } from '../../ui/status-badge.tsx';
import type { Grant } from './admin-api.ts';

const tones: Readonly<Record<Grant['state'], Tone>> = {
  asked: 'working',
  granted: 'warning',
  refused: 'neutral',
  revoked: 'neutral',
  withdrawn: 'neutral',
  ended: 'neutral',
};
const words: Readonly<Record<Grant['state'], string>> = {
  asked: 'Asked',
  granted: 'Open',
  refused: 'Refused',
  revoked: 'Ended by an owner',
  withdrawn: 'Taken back',
  ended: 'Over',
};

export function SupportState({ state }: Pick<Grant, 'state'>) {
  return <StatusBadge tone={tones[state]}>{words[state]}</StatusBadge>;
}

/** hoursOf writes how long an access lasts. */
export function hoursOf({ hours }: Pick<Grant, 'hours'>): string {
  return hours === 1 ? 'one hour' : `${hours} hours`;
}

/** untilOf says until when a question or an access stands. */
export function untilOf({ expiresAt, state }: Grant): string {
  if (state === 'granted') return `, until ${formatTime(expiresAt)}`;
  return state === 'asked' ? `, to be answered by ${formatTime(expiresAt)}` : '';
}
