/** InvitationDialog invites by mail, for one person, or by a link, for several; the link is shown this once. */
import { Button, Group, Modal, SegmentedControl, Stack, Text, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { copyText } from '../../ui/copy-text.ts';

interface InvitationDialogProps {
  readonly isOpen: boolean;
  readonly onClose: () => void;
  readonly title: string;
  /** What comes of an invitation, where the title does not say it. */
  readonly purpose?: string;
  /** A `MailInvitationForm` for one invitation. */
  readonly renderMailForm: (onSent: () => void) => ReactNode;
  /** A `LinkInvitationForm` for one link. */
  readonly renderLinkForm: (onLink: (link: string) => void) => ReactNode;
}

export function InvitationDialog({
  isOpen,
  onClose,
  title,
  purpose,
  renderMailForm,
  renderLinkForm,
}: InvitationDialogProps) {
  const [means, setMeans] = useState('mail');
  const [link, setLink] = useState<string | null>(null);
  const close = () => {
    setLink(null);
    onClose();
  };
  return (
    <Modal opened={isOpen} onClose={close} title={title} size="md">
      {link ? (
        <ReadyLink link={link} onClose={close} />
      ) : (
        <Stack>
          {purpose ? (
            <Text size="sm" c="dimmed">
              {purpose}
            </Text>
          ) : null}
          <SegmentedControl
            aria-label="How to invite"
            fullWidth
            value={means}
            onChange={setMeans}
            data={[
              { value: 'mail', label: 'By e-mail' },
              { value: 'link', label: 'By link' },
            ]}
          />
          {means === 'mail' ? renderMailForm(close) : renderLinkForm(setLink)}
        </Stack>
      )}
    </Modal>
  );
}

/** ReadyLink shows a new link, this once. */
function ReadyLink({ link, onClose }: { readonly link: string; readonly onClose: () => void }) {
  const [isCopied, setCopied] = useState(false);
  return (
    <Stack>
      <Text size="sm">
        The link is ready. Copy it now: it is shown this once. You can revoke it in the list of invitations.
      </Text>
      <TextInput
        label="Invitation link"
        readOnly
        value={link}
        onFocus={(event) => event.currentTarget.select()}
        data-autofocus
      />
      <Group justify="flex-end" gap="xs">
        <Button variant="default" onClick={() => void copyText(link).then(setCopied)}>
          {isCopied ? 'Copied' : 'Copy the link'}
        </Button>
        <Button onClick={onClose}>Done</Button>
      </Group>
    </Stack>
  );
}
