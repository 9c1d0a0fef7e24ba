/** NotificationBell leads to the notifications and says how many are unread, in a word as well as in a figure. */
import { IconBell } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import classes from './notification-bell.module.css';
import shell from './shell.module.css';
import { useUnread } from './use-unread.ts';

interface NotificationBellProps {
  /** An icon alone, for the top bar of a phone. */
  readonly isCompact?: boolean;
  readonly onNavigate?: () => void;
}

export function NotificationBell({ isCompact, onNavigate }: NotificationBellProps) {
  // The top bar is always there, seen or not: it asks for all.
  const unread = useUnread({ isAsking: isCompact ?? false });
  const count = unread >= 100 ? '99+' : String(unread);
  return (
    <Link
      to="/notifications"
      className={isCompact ? classes.compact : shell.navLink}
      onClick={onNavigate}
      aria-label={unread > 0 ? `Notifications, ${count} unread` : 'Notifications'}
    >
      <IconBell size={isCompact ? 22 : 19} stroke={1.6} />
      {isCompact ? null : <span>Notifications</span>}
      {/* Drawn by the style sheet: the figure is part of the link's name already. */}
      {unread > 0 ? <span className={classes.count} data-count={count} aria-hidden /> : null}
    </Link>
  );
}
