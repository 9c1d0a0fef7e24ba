/** What the organisation switcher lists: where else one may work, and what one may do about this organisation. */
import { Loader, Menu, Text } from '@mantine/core';
import { IconPlus, IconSettings, IconUsers } from '@tabler/icons-react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { goToOrganisation, placesQuery, roleNames } from '../organisation.ts';
import { CreateOrganisationDialog } from '../pages/organisation/create-organisation-dialog.tsx';
import { useSession } from '../session.ts';
import { FormProblem } from '../ui/states.tsx';
import type { MenuButtonProps } from './menu-button.tsx';
import { OpenedMenu } from './opened-menu.tsx';
import classes from './organisation-switcher.module.css';

interface OrganisationListProps {
  readonly button: MenuButtonProps;
  readonly onNavigate?: (() => void) | undefined;
}

export default function OrganisationList({ button, onNavigate }: OrganisationListProps) {
  const [isCreating, setCreating] = useState(false);
  const places = useQuery(placesQuery);
  return (
    <>
      {/* Not in a portal: it belongs to the navigation it stands in, also when that is a drawer. */}
      <OpenedMenu
        button={button}
        isReady={!places.isPending}
        position="bottom-start"
        width="target"
        shadow="md"
        closeOnItemClick={false}
        withinPortal={false}
      >
        <Places onCreate={() => setCreating(true)} onNavigate={onNavigate} />
      </OpenedMenu>
      <CreateOrganisationDialog isOpen={isCreating} onClose={() => setCreating(false)} />
    </>
  );
}

interface PlacesProps {
  readonly onCreate: () => void;
  readonly onNavigate?: (() => void) | undefined;
}

/** Places is read when the menu is about to open: nobody waits for it before. */
function Places({ onCreate, onNavigate }: PlacesProps) {
  const { organisation } = useSession();
  const navigate = useNavigate();
  const mine = useQuery(placesQuery);
  const go = useMutation({ mutationFn: (id: string) => goToOrganisation(id) });
  const visit = (to: string) => {
    onNavigate?.();
    void navigate({ to });
  };
  return (
    <>
      <Menu.Label>Work in</Menu.Label>
      {mine.isPending ? <Loader size="xs" m="xs" aria-label="Loading" /> : null}
      <div className={classes.places}>
        <Menu.RadioGroup
          value={organisation.id}
          onChange={(id) => (id === organisation.id ? undefined : go.mutate(id as string))}
        >
          {mine.data?.items.map(({ id, name, isPersonal, role }) => (
            <Menu.RadioItem key={id} value={id} disabled={go.isPending} title={name}>
              <span className={classes.place} dir="auto">
                {name}
              </span>
              <Text size="xs" c="dimmed" component="span" display="block">
                {isPersonal ? 'Personal' : roleNames[role]}
              </Text>
            </Menu.RadioItem>
          ))}
        </Menu.RadioGroup>
      </div>
      <FormProblem error={mine.error ?? go.error} />
      <Menu.Divider />
      <Menu.Item
        leftSection={<IconUsers size={17} stroke={1.6} />}
        closeMenuOnClick
        onClick={() => visit('/settings/members')}
      >
        Members
      </Menu.Item>
      <Menu.Item
        leftSection={<IconSettings size={17} stroke={1.6} />}
        closeMenuOnClick
        onClick={() => visit('/settings/organisation')}
      >
        Organisation settings
      </Menu.Item>
      <Menu.Item leftSection={<IconPlus size={17} stroke={1.6} />} closeMenuOnClick onClick={onCreate}>
        New organisation
      </Menu.Item>
    </>
  );
}
