/** When the session works in another organisation than this page, this says so over it, before anything goes to the wrong place. */
import { Button, Group, Modal, Stack, Text } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { ApiProblem, believedOrganisation, organisationChanged } from '../api.ts';
import { onToldByAnotherTab, tellOtherTabs, tenancyApi } from '../organisation.ts';
import { authApi, useSession } from '../session.ts';
import { FormProblem } from '../ui/states.tsx';

/** OrganisationChanged offers both ways on: to where the session works, or back to where this page is. */
export function OrganisationChanged() {
  const { organisation } = useSession();
  const [home] = useState(organisation); // the organisation this page was loaded in
  const [elsewhere, setElsewhere] = useState<string | null>(null);
  const look = useCallback(async () => {
    const session = await authApi('GET /session').catch(() => null);
    if (session && session.organisation.id === believedOrganisation()) {
      organisationChanged.answer(true); // somebody went there and back
      setElsewhere(null);
    } else setElsewhere(session?.organisation.name ?? 'another organisation');
  }, []);
  useEffect(() => {
    const stopShowing = organisationChanged.onAsked(() => void look());
    const stopListening = onToldByAnotherTab(() => void look());
    return () => {
      stopListening();
      stopShowing();
    };
  }, [look]);
  useEffect(() => {
    if (organisation.id !== believedOrganisation()) void look();
  }, [organisation.id, look]);
  const close = (isBack: boolean) => {
    setElsewhere(null);
    back.reset();
    organisationChanged.answer(isBack);
  };
  const back = useMutation({
    mutationFn: () =>
      tenancyApi('POST /organisations/{organisationId}/switch', { params: { organisationId: home.id } }),
    onSuccess: () => {
      tellOtherTabs(home.id);
      close(true);
    },
  });
  const isGone = back.error instanceof ApiProblem && back.error.status === 404;
  return (
    <Modal opened={elsewhere !== null} onClose={() => close(false)} title="You work in another organisation now">
      <Stack>
        <Text size="sm">
          This page shows <strong>{home.name}</strong>, and your session now works in <strong>{elsewhere}</strong>.
          Nothing on this page is sent there.
        </Text>
        {isGone ? (
          <Text size="sm">You do not belong to {home.name} any more.</Text>
        ) : (
          <FormProblem error={back.error} />
        )}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" loading={back.isPending} disabled={isGone} onClick={() => back.mutate()}>
            Back to {shorten(home.name)}
          </Button>
          <Button onClick={() => location.assign('/')} data-autofocus>
            Go to {shorten(elsewhere ?? '')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}

function shorten(name: string): string {
  return name.length <= 24 ? name : `${name.slice(0, 23)}…`;
}
