/** The page of settings: what can be set, whose it is, and what each is for. */
import { Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import { useSession } from '../session.ts';
import { settingsGroups, settingsOf } from '../shell/settings-items.ts';
import { PageHeader } from '../ui/page-header.tsx';
import classes from './pages.module.css';

export default function SettingsPage() {
  const { permissions, organisation } = useSession();
  return (
    <>
      <PageHeader title="Settings" description={`Yours, and those of ${organisation.name}.`} />
      {settingsGroups.map(({ group, title, purpose }) => (
        <section key={group} className={classes.section} aria-labelledby={`settings-${group}`}>
          <Title order={2} id={`settings-${group}`}>
            {title}
          </Title>
          <Text size="sm" c="dimmed" mb="sm">
            {purpose}
          </Text>
          <ul className={classes.smallCards}>
            {settingsOf(group, permissions).map(({ label, to, icon: Icon, purpose: what }) => (
              <li key={to}>
                <Link to={to} className={classes.smallCard}>
                  <Icon size={20} stroke={1.6} />
                  <span className={classes.cardText}>
                    <span className={classes.cardName}>{label}</span>
                    <Text size="sm" c="dimmed" component="span">
                      {what}
                    </Text>
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </section>
      ))}
    </>
  );
}
