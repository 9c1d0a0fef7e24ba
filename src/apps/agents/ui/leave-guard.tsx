/** LeaveGuard asks before a way out drops what was typed: by link and history with a dialog, by closing with the browser's. */
import { useBlocker } from '@tanstack/react-router';
import { ConfirmDialog } from '#web/ui/index.ts';

export function LeaveGuard({ isDirty }: { readonly isDirty: boolean }) {
  const blocker = useBlocker({
    shouldBlockFn: () => isDirty,
    enableBeforeUnload: () => isDirty,
    withResolver: true,
  });
  return (
    <ConfirmDialog
      isOpen={blocker.status === 'blocked'}
      title="Leave without saving?"
      confirmLabel="Leave"
      onConfirm={() => blocker.proceed?.()}
      onClose={() => blocker.reset?.()}
    >
      Your changes on this page are not saved yet and would be lost.
    </ConfirmDialog>
  );
}
