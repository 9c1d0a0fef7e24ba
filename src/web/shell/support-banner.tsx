/** While somebody looks into an organisation by its consent, this stands over every page: where, how long still, and the way out. */
import { Button, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { supportContract } from '../../kernel/admin/support/contract.ts';
import { useCall } from '../api-hooks.ts';
import { createApi } from '../api.ts';
import { useSession } from '../session.ts';
import classes from './support-banner.module.css';

const supportApi = createApi<typeof supportContract>();

/** leftOf writes the time until a moment: `1 h 05 min`, `4 min`, `35 s`. */
function leftOf(until: string, now: number): string {
  const seconds = Math.max(0, Math.ceil((Date.parse(until) - now) / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
}

export function SupportBanner() {
  const { organisation, support } = useSession();
  if (!support) return null;
  return <Banner organisationId={organisation.id} name={organisation.name} until={support.until} />;
}

interface BannerProps {
  readonly organisationId: string;
  readonly name: string;
  readonly until: string;
}

function Banner({ name, organisationId, until }: BannerProps) {
  const [now, setNow] = useState(() => Date.now());
  const leave = () => location.assign(`/admin/organisations/${organisationId}`);
  const end = useCall(supportApi, 'POST /support-visit/end', { onSuccess: leave });
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  const isOver = Date.parse(until) <= now;
  return (
    <section className={classes.banner} aria-label="Support visit">
      <Text size="sm" className={classes.text}>
        {isOver ? (
          <>The time to look into {name} is over.</>
        ) : (
          <>
            You look into <strong>{name}</strong> by its consent. You can read and change nothing; what you read is on
            record. <span className={classes.left}>{leftOf(until, now)} left</span>
          </>
        )}
        {end.error ? <> {end.error.message}</> : null}
      </Text>
      <Button size="xs" variant="default" loading={end.isPending} onClick={() => (isOver ? leave() : end.mutate({}))}>
        {isOver ? 'Back' : 'End the visit'}
      </Button>
    </section>
  );
}
