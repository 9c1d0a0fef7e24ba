/** ListDialogs are the dialogs of a list whose entries are added, changed and deleted: one form for both, and a question. */
import { Modal } from '@mantine/core';
import { Fragment, useState, type ReactNode } from 'react';
import { ConfirmDialog } from './confirm-dialog.tsx';

/** ListDialog is what is open, and for which entry. */
export type ListDialog<T> = { readonly kind: 'add' } | { readonly kind: 'edit' | 'delete'; readonly entry: T };

interface ListDialogsProps<T> {
  /** Null while none is open. */
  readonly dialog: ListDialog<T> | null;
  readonly onClose: () => void;
  readonly addTitle: string;
  readonly editTitle: (entry: T) => string;
  /** The form; without an entry it makes a new one. */
  readonly renderForm: (entry: T | undefined) => ReactNode;
  readonly deletion: {
    readonly title: (entry: T) => string;
    /** The verb on the button. */
    readonly label: string;
    /** What will be lost. */
    readonly text: ReactNode;
    readonly isBusy: boolean;
    readonly error: unknown;
    readonly onConfirm: (entry: T) => void;
  };
}

/** ListDialogs goes on showing an entry while its dialog closes, so that no other title flashes up. */
export function ListDialogs<T extends { readonly id: string }>(props: ListDialogsProps<T>) {
  const { dialog, onClose, deletion } = props;
  const isForm = dialog !== null && dialog.kind !== 'delete';
  const doomed = dialog?.kind === 'delete' ? dialog.entry : undefined;
  const [lastForm, setLastForm] = useState<ListDialog<T>>({ kind: 'add' });
  if (isForm && lastForm !== dialog) setLastForm(dialog);
  const edited = lastForm.kind === 'add' ? undefined : lastForm.entry;
  return (
    <>
      <Modal opened={isForm} onClose={onClose} title={edited ? props.editTitle(edited) : props.addTitle}>
        <Fragment key={edited?.id ?? 'new'}>{props.renderForm(edited)}</Fragment>
      </Modal>
      <ConfirmDialog
        isOpen={doomed !== undefined}
        title={doomed ? deletion.title(doomed) : ''}
        confirmLabel={deletion.label}
        isBusy={deletion.isBusy}
        error={deletion.error}
        onConfirm={() => doomed && deletion.onConfirm(doomed)}
        onClose={onClose}
      >
        {deletion.text}
      </ConfirmDialog>
    </>
  );
}
