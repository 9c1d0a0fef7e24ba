/** /deleted/<id>: the certificate of a deletion, for whoever has the address; before, when it will be there. */
import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconPrinter } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { queryOf } from '../../api-hooks.ts';
import { ApiProblem } from '../../api.ts';
import { usePageParams } from '../../page-params.ts';
import { sessionQuery } from '../../session.ts';
import { formatTime } from '../../ui/format.ts';
import { FactList } from '../../ui/fact-list.tsx';
import { ErrorState, LoadingRows } from '../../ui/states.tsx';
import { OpenPageTitle } from '../open-page-title.tsx';
import classes from './data.module.css';
import { accountDeletionQuery, organisationDeletionQuery, privacyApi, type Certificate } from './privacy-api.ts';

const waitingMilliseconds = 15_000;

export default function CertificatePage() {
  const { certificateId } = usePageParams('certificateId');
  const certificate = useQuery({
    ...queryOf(privacyApi, 'GET /deletion-certificates/{certificateId}', { params: { certificateId } }),
    refetchInterval: ({ state }) => (isNotThere(state.error) ? waitingMilliseconds : false),
  });
  if (certificate.data) return <Paper certificate={certificate.data} />;
  if (isNotThere(certificate.error)) return <NotYet certificateId={certificateId} />;
  return (
    <>
      <OpenPageTitle title="Certificate of deletion" />
      {certificate.error ? (
        <ErrorState error={certificate.error} onRetry={() => void certificate.refetch()} />
      ) : (
        <LoadingRows rows={3} height={32} />
      )}
    </>
  );
}

/** An address that was never given out, a mistyped one, and one whose day has not come answer alike. */
function isNotThere(error: unknown): boolean {
  return error instanceof ApiProblem && (error.status === 404 || error.status === 400);
}

/** NotYet knows the day for who is still signed in; everybody else has it in the mail. */
function NotYet({ certificateId }: { readonly certificateId: string }) {
  const session = useQuery(sessionQuery);
  const isSignedIn = session.isSuccess;
  const account = useQuery({ ...accountDeletionQuery, enabled: isSignedIn });
  const organisation = useQuery({ ...organisationDeletionQuery, enabled: isSignedIn });
  const deletion = [account, organisation]
    .map((state) => state.data?.deletion)
    .find((asked) => asked?.certificateId === certificateId);
  return (
    <>
      <OpenPageTitle title="No certificate here yet">
        {deletion
          ? `The deletion is carried out on ${formatTime(deletion.dueAt)}. Its certificate is here from then on.`
          : 'A certificate is written when a deletion is carried out; the message about it says on which day that is.'}
      </OpenPageTitle>
      <Stack gap="sm">
        {deletion ? null : (
          <Text size="sm">
            Is the day over? Look again in some minutes; this page does so by itself. Then check that the whole address
            was copied. A deletion that was taken back has no certificate.
          </Text>
        )}
        <Button component={Link} to={isSignedIn ? '/settings/data' : '/sign-in'} variant="default">
          {isSignedIn ? 'Back to your data' : 'Sign in'}
        </Button>
      </Stack>
    </>
  );
}

function Paper({ certificate }: { readonly certificate: Certificate }) {
  const { kind, id, requestedAt, completedAt, rows, titles, backupsKeptDays, remains, digest } = certificate;
  const total = Object.values(rows).reduce((sum, count) => sum + count, 0);
  const backupsEnd = new Date(Date.parse(completedAt) + backupsKeptDays * 86_400_000);
  const isOrganisation = kind === 'organisation';
  return (
    <article className={classes.certificate}>
      <OpenPageTitle title="Certificate of deletion">
        {isOrganisation
          ? 'An organisation and everything in it was deleted from this server. The people who belonged to it keep their accounts, and sign in again.'
          : 'An account and everything of its person was deleted from this server.'}{' '}
        This page names nobody, on purpose.
      </OpenPageTitle>
      <FactList>
        <dt>Asked for</dt>
        <dd>{formatTime(requestedAt)}</dd>
        <dt>Deleted</dt>
        <dd>{formatTime(completedAt)}</dd>
        <dt>Rows</dt>
        <dd>
          {total.toLocaleString()} in {Object.keys(rows).length} tables
        </dd>
        <dt>Backups</dt>
        <dd>made before are deleted by {backupsEnd.toLocaleDateString(undefined, { dateStyle: 'long' })}</dd>
        <dt>Number</dt>
        <dd>{id}</dd>
      </FactList>
      {remains.length > 0 ? (
        <>
          <Title order={2} className={classes.heading}>
            What stays
          </Title>
          <ul className={classes.remains}>
            {remains.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </>
      ) : null}
      <Title order={2} className={classes.heading}>
        What was deleted
      </Title>
      {areasOf(rows, titles).map(({ area, tables }) => (
        <section key={area} aria-label={area}>
          <Title order={3} className={classes.area}>
            {area}
          </Title>
          <ul className={classes.rows}>
            {tables.map(({ table, title, count }) => (
              <li key={table}>
                <span>
                  {title} <code className={classes.table}>{table}</code>
                </span>
                <span>{count.toLocaleString()}</span>
              </li>
            ))}
          </ul>
        </section>
      ))}
      <Text size="xs" c="dimmed" mt="md">
        Seal of this server (HMAC-SHA256), checked whenever this page is shown; a certificate that was changed is not
        shown any more:
      </Text>
      <p className={classes.mark}>{digest}</p>
      <Group className={classes.screenOnly} justify="flex-end">
        <Button variant="default" leftSection={<IconPrinter size={18} />} onClick={() => globalThis.print()}>
          Print
        </Button>
        {isOrganisation ? (
          <Button component={Link} to="/">
            Go on
          </Button>
        ) : null}
      </Group>
    </article>
  );
}

interface CountedTable {
  readonly table: string;
  readonly title: string;
  readonly count: number;
}

/** areasOf groups tables by their schema, `app_agents.messages` under `Agents`, and orders areas and titles by name. */
function areasOf(rows: Readonly<Record<string, number>>, titles: Readonly<Record<string, string>>) {
  const tables = Object.entries(rows).map(([table, count]): CountedTable & { area: string } => {
    const [schema = '', name = ''] = table.split('.');
    const area = areaNames[schema] ?? capitalise(schema.replace(/^app_/, ''));
    return { area, table, count, title: titles[table] ?? capitalise(name.replaceAll('_', ' ')) };
  });
  const byTitle = tables.toSorted((a, b) => a.title.localeCompare(b.title));
  return [...Map.groupBy(byTitle, ({ area }) => area)]
    .map(([area, counted]) => ({ area, tables: counted }))
    .toSorted((a, b) => a.area.localeCompare(b.area));
}

const areaNames: Readonly<Record<string, string>> = {
  auth: 'Accounts and organisations',
  kernel: 'Shared by all apps',
};

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
