/** StatusBadge says a state in a word and a colour, never in the colour alone. */
import { Badge } from '@mantine/core';
import type { ReactNode } from 'react';
import classes from './ui.module.css';

/** Tone is what a state means to the person looking at it. */
export type Tone = 'neutral' | 'accent' | 'working' | 'good' | 'warning' | 'bad';

const colors: Record<Tone, string> = {
  neutral: 'gray',
  accent: 'tide',
  working: 'tide',
  good: 'teal',
  warning: 'yellow',
  bad: 'red',
};

/** StatusBadge shows `children`, one or two words; `working` pulses unless motion is unwanted. */
export function StatusBadge({ tone, children }: { readonly tone: Tone; readonly children: ReactNode }) {
  return (
    <Badge className={classes.badge} data-tone={tone} color={colors[tone]} variant="light" tt="none" fw={550}>
      {children}
    </Badge>
  );
}
