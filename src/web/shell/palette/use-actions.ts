/** What one can do from the palette without going anywhere first. */
import { useMantineColorScheme } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import {
  IconBuildingPlus,
  IconDeviceDesktop,
  IconLogout,
  IconMoon,
  IconSun,
  IconSwitchHorizontal,
  IconUserPlus,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { queryOf } from '../../api-hooks.ts';
import { asProblem } from '../../api.ts';
import type { PaletteEntry } from '../../app-pages.ts';
import { goToOrganisation, roleNames, tenancyApi } from '../../organisation.ts';
import { useSession } from '../../session.ts';
import { useSignOut } from '../use-sign-out.ts';

interface ActionsProps {
  /** Opens the dialog of a new organisation. */
  readonly onCreate: () => void;
  /** How many of one's other organisations are named; who has dozens finds them by typing. */
  readonly shownPlaces: number;
}

/** useActions lists them in the order in which they are wanted most. */
export function useActions({ onCreate, shownPlaces }: ActionsProps): readonly PaletteEntry[] {
  const { permissions, organisation } = useSession();
  const places = usePlaces();
  const appearance = useAppearance();
  const signOut = useSignOut();
  const mayInvite = permissions.includes('organisation.invitation.write') && !organisation.isPersonal;
  return [
    ...(mayInvite
      ? [
          {
            id: 'invite',
            label: 'Invite people',
            keywords: 'add member colleague team',
            icon: IconUserPlus,
            to: '/settings/members?invite=1',
          },
        ]
      : []),
    ...places.slice(0, shownPlaces),
    {
      id: 'new-organisation',
      label: 'New organisation',
      keywords: 'create team',
      icon: IconBuildingPlus,
      run: onCreate,
    },
    ...appearance,
    {
      id: 'sign-out',
      label: 'Sign out',
      keywords: 'log out leave',
      icon: IconLogout,
      run: () => signOut.mutate(),
    },
  ];
}

function usePlaces(): readonly PaletteEntry[] {
  const { organisation } = useSession();
  const { data } = useQuery(queryOf(tenancyApi, 'GET /organisations', { query: { limit: 200 } }));
  const others = data?.items.filter(({ id }) => id !== organisation.id) ?? [];
  return others.map(({ id, name, isPersonal, role }) => ({
    id: `switch.${id}`,
    label: `Work in ${name}`,
    description: isPersonal ? 'Personal' : roleNames[role],
    keywords: 'switch change organisation',
    icon: IconSwitchHorizontal,
    run: () => void goToOrganisation(id).catch(sayWhy),
  }));
}

function sayWhy(error: unknown): void {
  notifications.show({ color: 'red', title: 'The organisation was not changed', message: asProblem(error).message });
}

const schemes = [
  { value: 'light', label: 'Light appearance', icon: IconSun },
  { value: 'dark', label: 'Dark appearance', icon: IconMoon },
  { value: 'auto', label: 'Appearance as the system has it', icon: IconDeviceDesktop },
] as const;

function useAppearance(): readonly PaletteEntry[] {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return schemes
    .filter(({ value }) => value !== colorScheme)
    .map(({ value, label, icon }) => ({
      id: `scheme.${value}`,
      label,
      keywords: 'theme mode colour color',
      icon,
      run: () => setColorScheme(value),
    }));
}
