/** UserMenu is the button of what belongs to the person: settings, light or dark, signing out. */
import { VisuallyHidden } from '@mantine/core';
import { IconSelector } from '@tabler/icons-react';
import { useSession } from '../session.ts';
import { PersonPicture } from '../ui/person-picture.tsx';
import { MenuOnDemand } from './menu-button.tsx';
import classes from './shell.module.css';

const loadMenu = () => import('./user-menu-list.tsx');
const loadCompactMenu = async () => ({ default: (await loadMenu()).CompactUserMenuList });

export function UserMenu({ isCompact }: { readonly isCompact?: boolean }) {
  const { user } = useSession();
  const face = (
    <>
      <PersonPicture name={user.name} pictureUrl={user.pictureUrl} />
      <VisuallyHidden>Account of {isCompact ? user.name : ''}</VisuallyHidden>
      {isCompact ? null : (
        <>
          <span className={classes.userText}>
            <span className={classes.userName} dir="auto">
              {user.name}
            </span>
            <span className={classes.userMail}>{user.email}</span>
          </span>
          <IconSelector size={16} aria-hidden />
        </>
      )}
    </>
  );
  const button = { className: classes.userButton, children: face, 'data-compact': isCompact || undefined };
  return <MenuOnDemand button={button} load={isCompact ? loadCompactMenu : loadMenu} />;
}
