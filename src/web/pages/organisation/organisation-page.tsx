/** Settings of the organisation one works in: its name, and leaving it. */
import { Anchor, Button, Card, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useForm } from '@mantine/form';
import { notifications } from '@mantine/notifications';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { asProblem, type CallOutput } from '../../api.ts';
import type { tenancyContract } from '../../../kernel/tenancy/contract.ts';
import { useOrganisationPicture } from '../../organisation-picture.ts';
import { arriveAt, roleMeanings, roleNames, tenancyApi } from '../../organisation.ts';
import { sessionQuery, usePermission } from '../../session.ts';
import { OrganisationMark } from '../../shell/organisation-mark.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { showFieldErrors } from '../../ui/form.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import classes from '../pages.module.css';
import { PictureCard } from './organisation-picture.tsx';

type Organisation = CallOutput<(typeof tenancyContract)['GET /organisation']>;

export default function OrganisationPage() {
  const organisation = useQuery(queryOf(tenancyApi, 'GET /organisation'));
  const mayChange = usePermission('organisation.settings.write');
  return (
    <div className={classes.narrow}>
      <PageHeader title="Organisation" description="Where you work: everything here belongs to it." />
      {organisation.isPending ? <LoadingRows /> : null}
      {organisation.error && !organisation.data ? (
        <ErrorState error={organisation.error} onRetry={() => void organisation.refetch()} />
      ) : null}
      {organisation.data ? (
        <Stack gap="lg">
          <NameCard organisation={organisation.data} />
          {mayChange && !organisation.data.isPersonal ? <PictureCard name={organisation.data.name} /> : null}
          <MembershipCard organisation={organisation.data} />
        </Stack>
      ) : null}
    </div>
  );
}

function NameCard({ organisation }: { readonly organisation: Organisation }) {
  const mayRename = usePermission('organisation.settings.write');
  const picture = useOrganisationPicture();
  const queryClient = useQueryClient();
  const form = useForm({ initialValues: { name: organisation.name } });
  const [problem, setProblem] = useState<unknown>(null);
  const rename = useCall(tenancyApi, 'PATCH /organisation', {
    onMutate: () => setProblem(null),
    onSuccess: async (renamed) => {
      form.setInitialValues({ name: renamed.name });
      form.setValues({ name: renamed.name });
      notifications.show({ message: 'The organisation has its new name.' });
      queryClient.setQueryData(keyOf('GET /organisation', undefined), renamed);
      await queryClient.invalidateQueries({ queryKey: keyOf('GET /organisation') });
      await queryClient.invalidateQueries({ queryKey: keyOf('GET /organisations') });
      await queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
    },
    onError: (error) => setProblem(showFieldErrors(form, asProblem(error))),
  });
  return (
    <Card withBorder padding="lg">
      <form onSubmit={form.onSubmit((body) => rename.mutate({ body }))}>
        <Stack>
          <Group gap="md" wrap="nowrap" align="flex-end">
            <OrganisationMark
              name={form.values.name || organisation.name}
              pictureUrl={picture?.largeUrl ?? null}
              isLarge
            />
            <TextInput
              label="Name"
              description="Its members see it, and whoever is invited"
              required
              maxLength={200}
              flex={1}
              readOnly={!mayRename}
              {...form.getInputProps('name')}
            />
          </Group>
          <FormProblem error={problem} />
          {mayRename ? (
            <Group justify="flex-end">
              <Button type="submit" loading={rename.isPending} disabled={!form.isDirty()}>
                Save the name
              </Button>
            </Group>
          ) : (
            <Text size="sm" c="dimmed">
              Owners and admins change the name.
            </Text>
          )}
        </Stack>
      </form>
    </Card>
  );
}

function MembershipCard({ organisation }: { readonly organisation: Organisation }) {
  const [isLeaving, setLeaving] = useState(false);
  const leave = useCall(tenancyApi, 'POST /organisation/leave', {
    onSuccess: ({ organisationId }) => arriveAt(organisationId),
  });
  const { role, memberCount, ownerCount } = organisation;
  if (organisation.isPersonal) {
    return (
      <Card withBorder padding="lg">
        <Title order={2}>Personal</Title>
        <Text size="sm" c="dimmed" mt={4}>
          This organisation is yours alone. It cannot be shared or left. To work with others, create an organisation
          from the menu above the navigation.
        </Text>
      </Card>
    );
  }
  const isLastOwner = role === 'owner' && ownerCount === 1;
  return (
    <Card withBorder padding="lg">
      <Stack gap="sm">
        <Title order={2}>Your membership</Title>
        <Text size="sm">
          You are <strong>{roleNames[role].toLowerCase()}</strong> here ({roleMeanings[role].toLowerCase()}), one of{' '}
          {memberCount} {memberCount === 1 ? 'member' : 'members'}.{' '}
          <Anchor component={Link} to="/settings/members" inherit>
            See the members
          </Anchor>
        </Text>
        {isLastOwner ? (
          <Text size="sm" c="dimmed">
            You are its only owner, so you cannot leave. Make another member an owner first, on the page of members.
          </Text>
        ) : null}
        <Group justify="flex-end">
          <Button variant="default" color="red" disabled={isLastOwner} onClick={() => setLeaving(true)}>
            Leave the organisation
          </Button>
        </Group>
      </Stack>
      <ConfirmDialog
        isOpen={isLeaving}
        title={`Leave “${organisation.name}”?`}
        confirmLabel="Leave"
        isBusy={leave.isPending || leave.isSuccess}
        error={leave.error}
        onConfirm={() => leave.mutate({})}
        onClose={() => setLeaving(false)}
      >
        You lose access to everything in it at once, also to your own conversations there. To come back, somebody has to
        invite you again.
      </ConfirmDialog>
    </Card>
  );
}
