/** /settings/security: how one signs in and what protects it. */
import { Button, Card, Stack } from '@mantine/core';
import { IconDevices, IconLock } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { keyOf } from '../../api-hooks.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { LinkedAccountsCard } from '../sign-on/linked-accounts-card.tsx';
import { FactorRow } from './factor-row.tsx';
import { PasskeysCard } from './passkeys-card.tsx';
import { SecondStepCard } from './second-step-card.tsx';
import { factorsQuery, type Factors } from './security-api.ts';
import { TrustedDevicesCard } from './trusted-devices-card.tsx';
import pageClasses from '../pages.module.css';
import classes from './security.module.css';

export default function SecurityPage() {
  const factors = useQuery(factorsQuery);
  const queryClient = useQueryClient();
  const refresh = () => {
    for (const key of ['GET /second-factors', 'GET /passkeys', 'GET /trusted-devices'])
      void queryClient.invalidateQueries({ queryKey: keyOf(key) });
  };
  return (
    <div className={pageClasses.narrow}>
      <PageHeader title="Security" description="How you sign in, and what keeps others out." />
      {factors.isPending ? <LoadingRows rows={4} height={96} /> : null}
      {factors.isError ? <ErrorState error={factors.error} onRetry={() => void factors.refetch()} /> : null}
      {factors.data ? <Cards factors={factors.data} onChange={refresh} /> : null}
    </div>
  );
}

function Cards({ factors, onChange }: { readonly factors: Factors; readonly onChange: () => void }) {
  const isOn = factors.isTotpActive || factors.isPasskeyAsked;
  return (
    <Stack gap="lg">
      <SecondStepCard factors={factors} onChange={onChange} />
      <PasskeysCard factors={factors} onChange={onChange} />
      {isOn ? <TrustedDevicesCard onChange={onChange} /> : null}
      <LinkedAccountsCard onChange={onChange} />
      <Card className={classes.card}>
        <Stack gap="sm">
          <FactorRow
            icon={IconLock}
            title="Password"
            description={
              factors.hasPassword
                ? 'A new one ends your other sessions and the trust in browsers.'
                : 'You have none: you sign in in another way.'
            }
            action={
              factors.hasPassword ? (
                <Button component={Link} to="/settings/profile" size="xs" variant="default">
                  Change password
                </Button>
              ) : null
            }
          />
          <FactorRow
            icon={IconDevices}
            title="Sessions"
            description="Where you are signed in now."
            action={
              <Button component={Link} to="/settings/sessions" size="xs" variant="default">
                Show sessions
              </Button>
            }
          />
        </Stack>
      </Card>
    </Stack>
  );
}
