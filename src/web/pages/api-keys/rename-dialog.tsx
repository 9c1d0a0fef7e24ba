/** RenameDialog changes what a key is called; nothing else of a key can be changed. */
import { Modal } from '@mantine/core';
import { useCall } from '../../api-hooks.ts';
import { apiKeysApi, type ApiKey } from './api-keys-api.ts';
import { NameForm } from './name-form.tsx';

interface RenameDialogProps {
  readonly apiKey: ApiKey;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function RenameDialog({ apiKey, onDone, onClose }: RenameDialogProps) {
  const rename = useCall(apiKeysApi, 'PATCH /api-keys/{apiKeyId}', { onSuccess: onDone });
  return (
    <Modal opened onClose={onClose} title={`Rename ${apiKey.name}`}>
      <NameForm
        name={apiKey.name}
        action="Rename"
        isBusy={rename.isPending}
        error={rename.error}
        onSubmit={(name) => rename.mutate({ params: { apiKeyId: apiKey.id }, body: { name } })}
        onCancel={onClose}
      />
    </Modal>
  );
}
