/** NotificationRow is one notification: unread ones are marked by a dot, a word for screen readers and weight. */
import { ActionIcon, Tooltip, VisuallyHidden } from '@mantine/core';
import { IconCheck } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { NotificationItem } from './notifications-api.ts';
import { TimeAgo } from '../../ui/time-ago.tsx';
import classes from './notifications.module.css';

interface NotificationRowProps {
  readonly item: NotificationItem;
  readonly onRead: () => void;
}

export function NotificationRow({ item, onRead }: NotificationRowProps) {
  const { title, text, link, isRead, createdAt } = item;
  return (
    <div className={classes.row} data-unread={isRead ? undefined : true}>
      <span className={classes.dot} aria-hidden />
      <div className={classes.text}>
        <div className={classes.title}>
          {isRead ? null : <VisuallyHidden>Unread: </VisuallyHidden>}
          {link ? (
            <Link to={link} className={classes.link} onClick={onRead}>
              {title}
            </Link>
          ) : (
            title
          )}
        </div>
        {text ? <div className={classes.body}>{text}</div> : null}
        <span className={classes.time}>
          <TimeAgo at={createdAt} />
        </span>
      </div>
      {isRead ? null : (
        <Tooltip label="Mark as read">
          <ActionIcon aria-label={`Mark "${title}" as read`} onClick={onRead} className={classes.action}>
            <IconCheck size={18} />
          </ActionIcon>
        </Tooltip>
      )}
    </div>
  );
}
