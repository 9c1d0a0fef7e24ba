/** One organisation: its plan, its people, what is switched on for it, and the way to be let in. */
import { Anchor, Card, Group, Select, Stack, Switch, Text, Title } from '@mantine/core';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { keyOf, queryOf, useCall } from '../../api-hooks.ts';
import { roleNames } from '../../organisation.ts';
import { usePageParams } from '../../page-params.ts';
import { DataList, DataRow } from '../../ui/data-list.tsx';
import { FactList } from '../../ui/fact-list.tsx';
import { EmailAddress } from '../../ui/email-address.tsx';
import { formatTime } from '../../ui/format.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import { ErrorState, FormProblem, LoadingRows } from '../../ui/states.tsx';
import { formatCount, formatMoney } from '../usage/usage-format.ts';
import { adminApi, flagsApi, plansApi, type OrganisationDetail } from './admin-api.ts';
import { planNames } from './organisations-page.tsx';
import { SupportCard } from './support-card.tsx';

export default function OrganisationPage() {
  const { organisationId } = usePageParams('organisationId');
  const organisation = useQuery(
    queryOf(adminApi, 'GET /admin/organisations/{organisationId}', { params: { organisationId } }),
  );
  return (
    <>
      <PageHeader
        title={organisation.data?.name ?? 'Organisation'}
        back={
          <Anchor component={Link} to="/admin/organisations" size="sm">
            Organisations
          </Anchor>
        }
      />
      {organisation.isPending ? <LoadingRows /> : null}
      {organisation.error ? (
        <ErrorState error={organisation.error} onRetry={() => void organisation.refetch()} />
      ) : null}
      {organisation.data ? (
        <Stack gap="md">
          <Facts organisation={organisation.data} />
          <SupportCard organisationId={organisation.data.id} />
          <Flags organisation={organisation.data} />
          <People organisation={organisation.data} />
        </Stack>
      ) : null}
    </>
  );
}

interface PartProps {
  readonly organisation: OrganisationDetail;
}

function useRefresh() {
  const queryClient = useQueryClient();
  return () => {
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/organisations/{organisationId}') });
    void queryClient.invalidateQueries({ queryKey: keyOf('GET /admin/organisations') });
  };
}

function Facts({ organisation }: PartProps) {
  const onSuccess = useRefresh();
  const change = useCall(plansApi, 'PUT /admin/organisations/{organisationId}/plan', { onSuccess });
  const { costMicrosThisMonth, createdAt, currency, id, isPersonal, plan, tokensThisMonth } = organisation;
  return (
    <Card>
      <Stack gap="sm">
        <Select
          label="Plan"
          description="Sets how often it may ask and what it may spend in a month. It counts at once."
          data={Object.entries(planNames).map(([value, label]) => ({ value, label }))}
          value={plan}
          allowDeselect={false}
          disabled={change.isPending}
          maw="22rem"
          onChange={(value) =>
            change.mutate({ params: { organisationId: id }, body: { plan: value as OrganisationDetail['plan'] } })
          }
        />
        <FormProblem error={change.error} />
        <FactList hasWideTerms>
          <dt>Kind</dt>
          <dd>{isPersonal ? 'Personal' : 'Shared'}</dd>
          <dt>Made</dt>
          <dd>{formatTime(createdAt)}</dd>
          <dt>This month</dt>
          <dd>
            {formatMoney(costMicrosThisMonth, currency)}, {formatCount(tokensThisMonth)} tokens
          </dd>
        </FactList>
      </Stack>
    </Card>
  );
}

function Flags({ organisation }: PartProps) {
  const onSuccess = useRefresh();
  const change = useCall(flagsApi, 'PUT /admin/flags/{flagName}/organisations/{organisationId}', { onSuccess });
  const set = (flagName: string, isOn: boolean | null) =>
    change.mutate({ params: { flagName, organisationId: organisation.id }, body: { isOn } });
  return (
    <section aria-labelledby="flags">
      <Title order={2} id="flags" mb="sm">
        Switched on here
      </Title>
      <FormProblem error={change.error} />
      <DataList
        label="Flags"
        items={organisation.flags}
        itemKey={(flag) => flag.name}
        isLoading={false}
        empty={<Text size="sm">There are no flags.</Text>}
        renderItem={({ isException, isOn, name, title }) => (
          <DataRow
            title={title}
            description={
              isException ? (
                <>
                  Set for this organisation.{' '}
                  <Anchor component="button" type="button" size="sm" onClick={() => set(name, null)}>
                    Make it like the others
                  </Anchor>
                </>
              ) : (
                'As everywhere'
              )
            }
            actions={
              <Switch
                aria-label={`${title} for ${organisation.name}`}
                checked={isOn}
                disabled={change.isPending}
                onChange={(event) => set(name, event.currentTarget.checked)}
              />
            }
          />
        )}
      />
    </section>
  );
}

function People({ organisation }: PartProps) {
  return (
    <section aria-labelledby="members">
      <Group justify="space-between" mb="sm">
        <Title order={2} id="members">
          Members
        </Title>
        {organisation.members > organisation.people.length ? (
          <Text size="sm" c="dimmed">
            The first {organisation.people.length} of {formatCount(organisation.members)}
          </Text>
        ) : null}
      </Group>
      <DataList
        label="Members"
        items={organisation.people}
        itemKey={(person) => person.id}
        isLoading={false}
        empty={<Text size="sm">Nobody belongs to it.</Text>}
        renderItem={(person) => (
          <DataRow
            to={`/admin/people/${person.id}`}
            title={person.name}
            description={<EmailAddress address={person.email} />}
            meta={roleNames[person.role]}
          />
        )}
      />
    </section>
  );
}
