/** The home page: the applications one has, what one should see to, and what one did last. */
import { Text, Title } from '@mantine/core';
import { IconApps, IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { useSession } from '../session.ts';
import { installedApps } from '../shell/installed-apps.ts';
import { useMyApps } from '../shell/navigation.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { EmptyState, LoadingRows } from '../ui/states.tsx';
import { Attention } from './home/attention.tsx';
import { useAttention } from './home/use-attention.ts';
import classes from './pages.module.css';

const homeParts = new Map(installedApps.flatMap(({ id, home }) => (home ? [[id, lazy(home)] as const] : [])));

export default function HomePage() {
  const { user, organisation } = useSession();
  const apps = useMyApps();
  return (
    <>
      <PageHeader title={`Hello, ${user.name.split(' ')[0]}`} description={`Applications of ${organisation.name}`} />
      {apps.length === 0 ? (
        <EmptyState icon={IconApps} title="No applications yet">
          Your role in this organisation does not include any application. Ask its owner for access.
        </EmptyState>
      ) : (
        <ul className={classes.cards} aria-label="Applications">
          {apps.map(({ id, title, tagline, icon: Icon, navigation }) => (
            <li key={id}>
              <Link to={navigation[0]?.to ?? `/${id}`} className={classes.card}>
                <span className={classes.cardIcon}>
                  <Icon size={22} stroke={1.6} />
                </span>
                <span className={classes.cardText}>
                  <Title order={2} size="h3" component="span">
                    {title}
                  </Title>
                  <Text size="sm" c="dimmed" component="span">
                    {tagline}
                  </Text>
                </span>
                <IconChevronRight size={18} className={classes.cardArrow} />
              </Link>
            </li>
          ))}
        </ul>
      )}
      <Below appIds={apps.map(({ id }) => id)} />
    </>
  );
}

/** Below keeps its place until all of it is known: nothing moves under the finger. */
function Below({ appIds }: { readonly appIds: readonly string[] }) {
  const attention = useAttention();
  return (
    <Suspense fallback={<LoadingBelow />}>
      {attention ? <Attention items={attention} /> : <LoadingBelow />}
      {/* The parts ask for what is theirs meanwhile. */}
      <div hidden={!attention}>
        {appIds.map((id) => {
          const Part = homeParts.get(id);
          return Part ? <Part key={id} /> : null;
        })}
      </div>
    </Suspense>
  );
}

function LoadingBelow() {
  return (
    <div className={classes.section}>
      <LoadingRows rows={4} height={56} />
    </div>
  );
}
