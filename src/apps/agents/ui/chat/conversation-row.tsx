/** ConversationRow is one conversation in the list; renaming happens in its place. */
import { ActionIcon, Menu, TextInput } from '@mantine/core';
import { IconDots, IconPencil, IconTrash } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import { useState, type FormEvent, type KeyboardEvent } from 'react';
import { useCall } from '#web/api-hooks.ts';
import { formatAgo, formatTime } from '#web/ui/index.ts';
import { agentsApi, pathsOf, type Conversation } from '../agents-api.ts';
import classes from './chat.module.css';
import { useConversationChanges } from './use-messages.ts';

interface ConversationRowProps {
  readonly conversation: Conversation;
  readonly isCurrent: boolean;
  readonly onChosen?: (() => void) | undefined;
  readonly onDelete: () => void;
}

export function ConversationRow({ conversation, isCurrent, onChosen, onDelete }: ConversationRowProps) {
  const [isRenaming, setRenaming] = useState(false);
  const title = conversation.title || 'New chat';
  if (isRenaming) return <RenameForm conversation={conversation} onClose={() => setRenaming(false)} />;
  return (
    <li className={classes.conversation} data-current={isCurrent || undefined}>
      <Link
        to={pathsOf(conversation.agentId).chat(conversation.id)}
        className={classes.conversationLink}
        aria-current={isCurrent ? 'page' : undefined}
        title={`${title}, ${formatTime(conversation.updatedAt)}`}
        onClick={onChosen}
      >
        <span className={classes.conversationTitle} dir="auto">
          {title}
        </span>
        <span className={classes.conversationTime}>
          {conversation.activeRunId ? 'Answering…' : formatAgo(conversation.updatedAt)}
        </span>
      </Link>
      <Menu position="bottom-end" withinPortal returnFocus>
        <Menu.Target>
          <ActionIcon size="md" aria-label={`More for ${title}`} className={classes.conversationMenu}>
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPencil size={16} />} onClick={() => setRenaming(true)}>
            Rename
          </Menu.Item>
          <Menu.Item color="red" leftSection={<IconTrash size={16} />} onClick={onDelete}>
            Delete…
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </li>
  );
}

interface RenameFormProps {
  readonly conversation: Conversation;
  readonly onClose: () => void;
}

/** Enter saves, Escape and leaving the field give up. */
function RenameForm({ conversation, onClose }: RenameFormProps) {
  const [title, setTitle] = useState(conversation.title);
  const { rename } = useConversationChanges();
  const save = useCall(agentsApi, 'PATCH /conversations/{conversationId}', {
    onSuccess: (renamed) => {
      rename(renamed);
      onClose();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = title.trim();
    if (next === '' || next === conversation.title) onClose();
    else save.mutate({ params: { conversationId: conversation.id }, body: { title: next } });
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape') return;
    event.stopPropagation(); // the drawer around it stays open
    onClose();
  };
  return (
    <li>
      <form onSubmit={submit}>
        <TextInput
          aria-label="New title"
          autoFocus
          maxLength={200}
          value={title}
          disabled={save.isPending}
          error={save.error?.message}
          onFocus={(event) => event.currentTarget.select()}
          onChange={(event) => setTitle(event.currentTarget.value)}
          onKeyDown={onKeyDown}
          onBlur={() => (save.isPending || save.error ? undefined : onClose())}
        />
      </form>
    </li>
  );
}
