/** NewPasswordField shows, while one types, how strong a password is and which rules it still breaks (K2.2). */
import { Progress, Text } from '@mantine/core';
import { IconCheck, IconCircle } from '@tabler/icons-react';
import { useEffect, useState } from 'react';
import {
  checkPassword,
  passwordRuleTexts,
  type PasswordRule,
  type PasswordVerdict,
} from '../../kernel/auth/password-policy.ts';
import { PasswordField } from '../ui/password-field.tsx';
import classes from './pages.module.css';

export interface PasswordDemands {
  readonly minLength: number;
  readonly needsClasses: boolean;
}

interface NewPasswordFieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (password: string) => void;
  readonly demands: PasswordDemands;
  /** The person's name, e-mail address and so on: bad passwords. */
  readonly personal: readonly string[];
  readonly error?: React.ReactNode;
}

const strengths = ['Guessed at once', 'Very weak', 'Weak', 'Good', 'Strong'] as const;
const strengthColors = ['red', 'red', 'yellow', 'teal', 'teal'] as const;

export function NewPasswordField({ label, value, onChange, demands, personal, error }: NewPasswordFieldProps) {
  const verdict = useVerdict(value, demands, personal);
  return (
    <PasswordField
      label={label}
      autoComplete="new-password"
      required
      value={value}
      error={error}
      onChange={(event) => onChange(event.currentTarget.value)}
      description={<Rules demands={demands} verdict={verdict} />}
      descriptionProps={{ component: 'div' }}
      inputWrapperOrder={['label', 'input', 'error', 'description']}
    />
  );
}

interface RulesProps {
  readonly demands: PasswordDemands;
  readonly verdict: PasswordVerdict | null;
}

/** Rules describes the field: screen readers say with its name what is still missing. */
function Rules({ demands, verdict }: RulesProps) {
  return (
    <>
      <div className={classes.strength}>
        <Progress
          value={verdict ? Math.max(5, verdict.score * 25) : 0}
          color={strengthColors[verdict?.score ?? 0]}
          size="sm"
          aria-label="Password strength"
        />
        <Text size="xs" c="dimmed" role="status">
          {verdict ? strengths[verdict.score] : 'Strength'}
        </Text>
      </div>
      <ul className={classes.rules} aria-label="What the password needs">
        {shownRules(demands, verdict).map((rule) => (
          <Rule key={rule} isMet={verdict !== null && !verdict.failedRules.includes(rule)}>
            {passwordRuleTexts[rule].replace('{minLength}', String(demands.minLength))}
          </Rule>
        ))}
      </ul>
    </>
  );
}

function Rule({ isMet, children }: { readonly isMet: boolean; readonly children: string }) {
  return (
    <li data-met={isMet || undefined}>
      {isMet ? <IconCheck size={14} stroke={2.5} aria-hidden /> : <IconCircle size={14} aria-hidden />}
      <span>
        {children}
        <span className={classes.hidden}>{isMet ? ' (met)' : ' (not yet)'}</span>
      </span>
    </li>
  );
}

/** Rules that hardly anybody breaks are named only when broken; the rest keep their place so that nothing jumps. */
function shownRules({ needsClasses }: PasswordDemands, verdict: PasswordVerdict | null): readonly PasswordRule[] {
  const always: PasswordRule[] = needsClasses
    ? ['too-short', 'needs-upper', 'needs-lower', 'needs-digit', 'needs-symbol', 'common']
    : ['too-short', 'common'];
  const rare: PasswordRule[] = ['too-long', 'personal'];
  return [...always, ...rare.filter((rule) => verdict?.failedRules.includes(rule))];
}

/** useVerdict judges a moment after the last key; null for an empty field. The word lists load with the first judgement. */
function useVerdict(password: string, policy: PasswordDemands, personal: readonly string[]): PasswordVerdict | null {
  const [verdict, setVerdict] = useState<PasswordVerdict | null>(null);
  const userInputs = personal.join('\n');
  const { minLength, needsClasses } = policy;
  useEffect(() => {
    if (password === '') {
      setVerdict(null);
      return undefined;
    }
    let isStale = false;
    const timer = setTimeout(() => {
      const options = { policy: { minLength, needsClasses }, userInputs: userInputs.split('\n').filter(Boolean) };
      void judge(password, options).then((judged) => {
        if (!isStale) setVerdict(judged);
      });
    }, 80);
    return () => {
      isStale = true;
      clearTimeout(timer);
    };
  }, [password, minLength, needsClasses, userInputs]);
  return verdict;
}

/** judge gives null when the word lists do not load: the server judges anyway. */
function judge(...args: Parameters<typeof checkPassword>): Promise<PasswordVerdict | null> {
  return checkPassword(...args).catch(() => null);
}
