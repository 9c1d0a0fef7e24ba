/** /sign-in: the first step, the second where one is asked for, and back to the address that asked for it. */
import { Anchor, Button, Stack, Text, TextInput } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useRef, useState, type SubmitEvent } from 'react';
import { useCall } from '../api-hooks.ts';
import { authApi, sessionQuery, setupQuery, type Session } from '../session.ts';
import { fetchPage } from '../shell/page-problem.ts';
import { readNext } from '../shell/read-next.ts';
import { PasswordField } from '../ui/password-field.tsx';
import { FormProblem, LoadingRows } from '../ui/states.tsx';
import { OpenPageTitle } from './open-page-title.tsx';
import { PasskeySignIn } from './security/passkey-sign-in.tsx';
import { OrganisationWay } from './sign-on/organisation-way.tsx';
import { ProviderButtons, SignOnProblem } from './sign-on/provider-buttons.tsx';
import { pendingStepQuery, type SecondFactor } from './security/security-api.ts';

/** Most sign in without: it is fetched when it is asked for. */
const SecondStep = lazy(() =>
  fetchPage(async () => ({ default: (await import('./security/second-step.tsx')).SecondStep })),
);

export default function SignInPage() {
  const { next } = useSearch({ strict: false }) as { next?: unknown };
  const navigate = useNavigate();
  const queryClient = useQueryClient();
  const pending = useQuery(pendingStepQuery);
  const [step, setStep] = useState<SecondFactor | 'first' | null>(null);
  const second = step === null ? (pending.data?.secondFactor ?? null) : step === 'first' ? null : step;
  const enter = async (session: Session) => {
    queryClient.setQueryData(sessionQuery.queryKey, session);
    await navigate({ href: readNext(next), replace: true });
  };
  if (second) {
    return (
      <>
        <OpenPageTitle title="Second step" />
        <Suspense fallback={<LoadingRows rows={2} height={44} />}>
          <SecondStep
            methods={second.methods}
            onDone={(session) => void enter(session)}
            onGiveUp={() => setStep('first')}
          />
        </Suspense>
      </>
    );
  }
  return <FirstStep onSession={(session) => void enter(session)} onSecondStep={setStep} />;
}

function textOf(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === 'string' ? value : '';
}

interface FirstStepProps {
  readonly onSession: (session: Session) => void;
  readonly onSecondStep: (second: SecondFactor) => void;
}

function FirstStep({ onSession, onSecondStep }: FirstStepProps) {
  const navigate = useNavigate();
  const setup = useQuery(setupQuery);
  const password = useRef<HTMLInputElement>(null);
  const [identifier, setIdentifier] = useState('');
  const signIn = useCall(authApi, 'POST /auth/sign-in', {
    onSuccess: (answer) => ('secondFactor' in answer ? onSecondStep(answer.secondFactor) : onSession(answer)),
    onError: () => password.current?.select(), // the next try is typed over this one
  });
  /** What the fields hold: a browser that fills them in may not say so. */
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    signIn.mutate({ body: { identifier: textOf(fields, 'username'), password: textOf(fields, 'password') } });
  };
  const isNew = setup.data?.isOpen ?? false;
  useEffect(() => {
    if (isNew) void navigate({ to: '/setup', replace: true });
  }, [isNew, navigate]);
  return (
    <>
      <OpenPageTitle title="Sign in" />
      <SignOnProblem />
      <form onSubmit={submit}>
        <Stack gap="sm" mt="md">
          <TextInput
            label="E-mail or username"
            name="username"
            autoComplete="username webauthn"
            autoCapitalize="none"
            spellCheck={false}
            required
            autoFocus
            value={identifier}
            onChange={(event) => setIdentifier(event.currentTarget.value)}
          />
          <OrganisationWay identifier={identifier} />
          <PasswordField ref={password} label="Password" autoComplete="current-password" name="password" required />
          <Text size="sm" ta="right">
            <Anchor component={Link} to="/forgot-password" inherit>
              Forgot your password?
            </Anchor>
          </Text>
          <FormProblem error={signIn.error} />
          <Button type="submit" loading={signIn.isPending} mt="xs">
            Sign in
          </Button>
          <PasskeySignIn onDone={onSession} isOfferedInField />
          <ProviderButtons />
          {setup.data?.isSignUpOpen ? (
            <Text size="sm" ta="center">
              New here?{' '}
              <Anchor component={Link} to="/sign-up" inherit>
                Create an account
              </Anchor>
            </Text>
          ) : null}
        </Stack>
      </form>
    </>
  );
}
