/** The home page: the applications one has, and what each is for. */
import { Text, Title } from '@mantine/core';
import { IconApps, IconChevronRight } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useSession } from '../session.ts';
import { useMyApps } from '../shell/navigation.tsx';
import { PageHeader } from '../ui/page-header.tsx';
import { EmptyState } from '../ui/states.tsx';
import classes from './pages.module.css';

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
    </>
  );
}
