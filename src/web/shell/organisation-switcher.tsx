/** OrganisationSwitcher shows where one works and leads elsewhere; the page is loaded anew there, so nothing is mixed up. */
import { VisuallyHidden } from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useOrganisationPicture } from '../organisation-picture.ts';
import { placesQuery, roleNames } from '../organisation.ts';
import { useSession } from '../session.ts';
import { MenuOnDemand } from './menu-button.tsx';
import { OrganisationMark } from './organisation-mark.tsx';
import classes from './organisation-switcher.module.css';

/** OrganisationSwitcher stands above the navigation; `onNavigate` closes the drawer around it. */
export function OrganisationSwitcher({ onNavigate }: { readonly onNavigate?: () => void }) {
  const { organisation, role } = useSession();
  const picture = useOrganisationPicture();
  const queryClient = useQueryClient();
  // On its way before the click: the menu then opens whole, and the focus begins at the first place.
  const prepare = () => void queryClient.prefetchQuery({ ...placesQuery, staleTime: 30_000 });
  const face = (
    <>
      <OrganisationMark name={organisation.name} pictureUrl={picture?.smallUrl ?? null} />
      <VisuallyHidden>Organisation:</VisuallyHidden>
      <span className={classes.text}>
        <span className={classes.name} dir="auto">
          {organisation.name}
        </span>
        <span className={classes.role}>{organisation.isPersonal ? 'Personal' : roleNames[role]}</span>
      </span>
      <IconSelector size={16} aria-hidden />
    </>
  );
  return (
    <MenuOnDemand
      button={{ className: classes.button, children: face, onPointerEnter: prepare, onFocus: prepare }}
      load={() => import('./organisation-list.tsx')}
      onNavigate={onNavigate}
    />
  );
}
