/** ShellDialogs are what the shell may have to ask or say over a page; loaded once the page itself stands. */
import '@mantine/notifications/styles.layer.css';
import { Notifications } from '@mantine/notifications';
import { useEffect } from 'react';
import { dialogsAreThere } from '../api.ts';
import { OrganisationChanged } from './organisation-changed.tsx';
import { ShowItIsYou } from './show-it-is-you.tsx';
import { SignInAgain } from './sign-in-again.tsx';

export default function ShellDialogs() {
  useEffect(dialogsAreThere, []); // after the effects of those below, which is when they can be asked
  return (
    <>
      <SignInAgain />
      <ShowItIsYou />
      <OrganisationChanged />
      <Notifications position="top-right" limit={3} />
    </>
  );
}
