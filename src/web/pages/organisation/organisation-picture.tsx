/** PictureCard sets the picture that stands for the organisation; those who may not change it see it only. */
import { Card, Stack, Text, Title } from '@mantine/core';
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useCall } from '../../api-hooks.ts';
import type { CallOutput } from '../../api.ts';
import type { imagesContract } from '../../../kernel/images/contract.ts';
import { imagesApi, organisationPictureQuery, useOrganisationPicture } from '../../organisation-picture.ts';
import { OrganisationMark } from '../../shell/organisation-mark.tsx';
import { ImageUpload } from '../../ui/image-upload/index.ts';
import { FormProblem } from '../../ui/states.tsx';
import { useUploadLimits } from '../../upload-limits.ts';

/** Twice what is shown at most, for sharp screens. */
const edge = 512;

type Picture = CallOutput<(typeof imagesContract)['GET /organisation/picture']>;

export function PictureCard({ name }: { readonly name: string }) {
  const picture = useOrganisationPicture();
  const queryClient = useQueryClient();
  const { pictureMaxBytes, pictureMaxEdge } = useUploadLimits();
  const show = (answer: Picture, message: string) => {
    queryClient.setQueryData(organisationPictureQuery.queryKey, answer);
    notifications.show({ message });
  };
  const remove = useCall(imagesApi, 'DELETE /organisation/picture', {
    onSuccess: (answer) => show(answer, 'The picture is removed.'),
  });
  return (
    <Card withBorder padding="lg">
      <Stack gap="sm">
        <div>
          <Title order={2}>Picture</Title>
          <Text size="sm" c="dimmed">
            Shown to its members beside its name.
          </Text>
        </div>
        <ImageUpload
          preview={<OrganisationMark name={name} pictureUrl={picture?.largeUrl ?? null} isLarge />}
          hasPicture={picture !== null}
          aspect={1}
          maxEdge={pictureMaxEdge}
          sentEdge={Math.min(edge, pictureMaxEdge)}
          maxBytes={pictureMaxBytes}
          upload={async (file, options) => {
            remove.reset();
            show(await imagesApi('PUT /organisation/picture', { file, ...options }), 'The new picture is saved.');
          }}
          onRemove={() => remove.mutate({})}
          isRemoving={remove.isPending}
        />
        <FormProblem error={remove.error} />
      </Stack>
    </Card>
  );
}
