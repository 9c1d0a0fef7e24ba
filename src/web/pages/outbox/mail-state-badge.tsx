/** MailStateBadge says in a word what became of a message. */
import { StatusBadge, type Tone } from '../../ui/status-badge.tsx';
import type { MailState } from './outbox-api.ts';

const tones: Readonly<Record<MailState, Tone>> = { kept: 'neutral', waiting: 'working', sent: 'good', failed: 'bad' };
const words: Readonly<Record<MailState, string>> = { kept: 'Kept', waiting: 'Waiting', sent: 'Sent', failed: 'Failed' };

export function MailStateBadge({ state, attempts }: { readonly state: MailState; readonly attempts: number }) {
  const isTriedAgain = state === 'waiting' && attempts > 0;
  return (
    <StatusBadge tone={isTriedAgain ? 'warning' : tones[state]}>
      {isTriedAgain ? 'Trying again' : words[state]}
    </StatusBadge>
  );
}
