/** PictureForm sets the person's own picture; the whole app shows the new one at once. */
import { Card, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useCall } from '../api-hooks.ts';
import { authApi, sessionQuery, useSession, type Session } from '../session.ts';
import { ImageUpload } from '../ui/image-upload/index.ts';
import { PersonPicture } from '../ui/person-picture.tsx';
import { FormProblem } from '../ui/states.tsx';
import { useUploadLimits } from '../upload-limits.ts';

/** Twice what is shown at most, for sharp screens. */
const edge = 512;

export function PictureForm() {
  const { user } = useSession();
  const queryClient = useQueryClient();
  const { pictureMaxBytes, pictureMaxEdge } = useUploadLimits();
  const show = (session: Session, message: string) => {
    queryClient.setQueryData(sessionQuery.queryKey, session);
    notifications.show({ message });
  };
  const remove = useCall(authApi, 'DELETE /profile/picture', {
    onSuccess: (session) => show(session, 'Your picture is removed.'),
  });
  return (
    <Card>
      <Stack gap="sm">
        <div>
          <Title order={2}>Picture</Title>
          <Text size="sm" c="dimmed">
            Shown beside your name to people you share an organisation with.
          </Text>
        </div>
        <ImageUpload
          preview={<PersonPicture name={user.name} pictureUrl={user.pictureUrl} size={96} />}
          hasPicture={user.pictureUrl !== null}
          aspect={1}
          isRound
          maxEdge={pictureMaxEdge}
          sentEdge={Math.min(edge, pictureMaxEdge)}
          maxBytes={pictureMaxBytes}
          upload={async (file, options) => {
            remove.reset();
            const session = await authApi('PUT /profile/picture', { file, ...options });
            show(session, 'Your new picture is saved.');
          }}
          onRemove={() => remove.mutate({})}
          isRemoving={remove.isPending}
        />
        <FormProblem error={remove.error} />
      </Stack>
    </Card>
  );
}
