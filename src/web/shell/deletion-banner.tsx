/** While the account or the organisation one works in is about to be deleted, every page says so, with the way back. */
import { Alert, Button } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { IconTrash } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';
import { ApiProblem, believedOrganisation } from '../api.ts';
import { formatDay, useDeletions, type Deletion } from '../pages/your-data/privacy-api.ts';
import { useKeepAccount, useKeepOrganisation } from '../pages/your-data/use-deletion.ts';
import { authApi, sessionQuery, usePermission, useSession } from '../session.ts';
import classes from './deletion-banner.module.css';
import { useQuiet } from './use-quiet.ts';

const lookMilliseconds = 30_000;

export function DeletionBanner() {
  const { organisation: place } = useSession();
  const { account, organisation } = useDeletions({ isAsking: useQuiet() });
  const mayKeepOrganisation = usePermission('organisation.ownership.write');
  const keepAccount = useKeepAccount();
  const keepOrganisation = useKeepOrganisation();
  useEndOf(account ?? organisation);
  if (!account && !organisation) return null;
  const onError = ({ message }: Error) => notifications.show({ color: 'red', message });
  return (
    <section className={classes.banners} aria-label="About to be deleted">
      {account ? (
        <Banner
          text={`Your account will be deleted on ${formatDay(account.dueAt)}.`}
          keepLabel="Keep my account"
          isBusy={keepAccount.isPending}
          onKeep={() => keepAccount.mutate({}, { onError })}
        />
      ) : null}
      {organisation ? (
        <Banner
          text={`${place.name} will be deleted on ${formatDay(organisation.dueAt)}, with everything in it.`}
          note={mayKeepOrganisation ? undefined : 'Its owners can take it back.'}
          keepLabel="Keep the organisation"
          isBusy={keepOrganisation.isPending}
          onKeep={mayKeepOrganisation ? () => keepOrganisation.mutate({}, { onError }) : undefined}
        />
      ) : null}
    </section>
  );
}

interface BannerProps {
  readonly text: string;
  readonly note?: string | undefined;
  readonly keepLabel: string;
  readonly isBusy: boolean;
  /** Missing for who may not take it back. */
  readonly onKeep?: (() => void) | undefined;
}

function Banner({ text, note, keepLabel, isBusy, onKeep }: BannerProps) {
  return (
    <Alert color="yellow" radius={0} className={classes.banner} icon={<IconTrash size={18} />} py="xs">
      <div className={classes.line}>
        <span className={classes.text}>
          {text} {note} <Link to="/settings/data">More</Link>
        </span>
        {onKeep ? (
          <Button size="xs" variant="default" loading={isBusy} onClick={onKeep}>
            {keepLabel}
          </Button>
        ) : null}
      </div>
    </Alert>
  );
}

/** useEndOf notices on an open page that the day has come, and shows the certificate instead of asking to sign in again. */
function useEndOf(deletion: Deletion | null): void {
  const queryClient = useQueryClient();
  useEffect(() => {
    if (!deletion) return undefined;
    const look = async () => {
      if (Date.now() < Date.parse(deletion.dueAt)) return;
      try {
        const session = await authApi('GET /session');
        // The session survived the organisation: the shell's dialog says where it works now.
        if (session.organisation.id !== believedOrganisation())
          queryClient.setQueryData(sessionQuery.queryKey, session);
      } catch (error) {
        if (error instanceof ApiProblem && error.status === 401)
          globalThis.location.assign(`/deleted/${deletion.certificateId}`);
      }
    };
    const timer = setInterval(() => void look(), lookMilliseconds);
    return () => clearInterval(timer);
  }, [deletion, queryClient]);
}
