/** /settings/data: taking one's data along, bringing it back, how long it is kept, and its end. */
import { Stack } from '@mantine/core';
import { usePermission, useSession } from '../../session.ts';
import { PageHeader } from '../../ui/page-header.tsx';
import pageClasses from '../pages.module.css';
import { DeleteAccountCard } from './delete-account-card.tsx';
import { DeleteOrganisationCard } from './delete-organisation-card.tsx';
import { ExportCard } from './export-card.tsx';
import { ImportCard } from './import-card.tsx';
import { RetentionCard } from './retention-card.tsx';

export default function DataPage() {
  const { organisation } = useSession();
  const maySetRetention = usePermission('organisation.settings.write');
  const mayDelete = usePermission('organisation.ownership.write');
  return (
    <div className={pageClasses.narrow}>
      <PageHeader
        title="Your data"
        description="Take it along, bring it back, say how long it is kept, and when it ends."
      />
      <Stack gap="lg">
        <ExportCard />
        <ImportCard />
        {maySetRetention ? <RetentionCard /> : null}
        {mayDelete && !organisation.isPersonal ? <DeleteOrganisationCard name={organisation.name} /> : null}
        <DeleteAccountCard />
      </Stack>
    </div>
  );
}
