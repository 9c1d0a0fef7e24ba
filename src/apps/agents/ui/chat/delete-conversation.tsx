/** DeleteConversation asks before a conversation is deleted, and leaves its page when it is the one shown. */
import { useNavigate } from '@tanstack/react-router';
import { useCall } from '#web/api-hooks.ts';
import { ConfirmDialog } from '#web/ui/index.ts';
import { agentsApi, pathsOf, type Conversation } from '../agents-api.ts';
import { useLast } from '../use-last.ts';
import { useConversationChanges } from './use-messages.ts';

interface DeleteConversationProps {
  /** Null is closed. */
  readonly conversation: Conversation | null;
  readonly isCurrent: boolean;
  readonly onClose: () => void;
}

export function DeleteConversation({ conversation, isCurrent, onClose }: DeleteConversationProps) {
  const shown = useLast(conversation);
  const navigate = useNavigate();
  const { forget } = useConversationChanges();
  const remove = useCall(agentsApi, 'DELETE /conversations/{conversationId}', {
    onSuccess: async () => {
      if (!conversation) return;
      if (isCurrent) await navigate({ to: pathsOf(conversation.agentId).chat(), replace: true });
      onClose();
      forget(conversation.id);
    },
  });
  const close = () => {
    remove.reset();
    onClose();
  };
  return (
    <ConfirmDialog
      isOpen={conversation !== null}
      title={`Delete “${shown?.title || 'New chat'}”?`}
      confirmLabel="Delete"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => conversation && remove.mutate({ params: { conversationId: conversation.id } })}
      onClose={close}
    >
      The whole conversation is deleted for good. An answer that is being written is stopped.
    </ConfirmDialog>
  );
}
