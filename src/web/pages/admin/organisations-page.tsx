/** The organisations of this server, with their plans and what they used this month. */
import { useDebouncedValue } from '@mantine/hooks';
import { IconBuilding, IconSearch, IconUser } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queryOf, usePages } from '../../api-hooks.ts';
import { DataRow, PagedList } from '../../ui/data-list.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { formatCount, formatMoney } from '../usage/usage-format.ts';
import { usageApi } from '../usage/usage-api.ts';
import { adminApi, type Organisation } from './admin-api.ts';
import { SearchBar } from './search-bar.tsx';

const choices = [
  { value: 'shared', label: 'Shared' },
  { value: 'personal', label: 'Personal' },
  { value: 'all', label: 'All' },
] as const;
type Choice = (typeof choices)[number]['value'];

/** planNames are how plans are called. */
export const planNames = { free: 'Free', pro: 'Pro', enterprise: 'Enterprise' } as const;

export default function OrganisationsPage() {
  const [kind, setKind] = useState<Choice>('shared');
  const [search, setSearch] = useState('');
  const [settled] = useDebouncedValue(search.trim(), 250);
  const currency = useQuery(queryOf(usageApi, 'GET /usage')).data?.currency ?? 'USD';
  const list = usePages(adminApi, 'GET /admin/organisations', {
    query: { ...(kind === 'all' ? {} : { kind }), ...(settled ? { search: settled } : {}) },
  });
  return (
    <>
      <PageHeader
        title="Organisations"
        description="Who works here, on which plan, and what it used this month. What they keep is theirs: to look inside, ask them."
      />
      <SearchBar
        label="Which organisations"
        value={kind}
        choices={choices}
        onChoose={setKind}
        placeholder="Name or address"
        search={search}
        onSearch={setSearch}
      />
      <PagedList
        label="Organisations"
        pages={list}
        itemKey={(organisation) => organisation.id}
        empty={<NothingHere isFiltered={settled !== ''} />}
        renderItem={(organisation) => <OrganisationRow organisation={organisation} currency={currency} />}
      />
    </>
  );
}

function NothingHere({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered)
    return (
      <EmptyState icon={IconSearch} title="Nothing found">
        No organisation fits. Try a part of its name, or the address of somebody in it.
      </EmptyState>
    );
  return (
    <EmptyState icon={IconBuilding} title="No organisation here">
      People make shared organisations from the switcher above the navigation; each then shows up here with its plan and
      use. Everybody has a personal one besides.
    </EmptyState>
  );
}

function OrganisationRow({
  currency,
  organisation,
}: {
  readonly organisation: Organisation;
  readonly currency: string;
}) {
  const { costMicrosThisMonth, id, isPersonal, members, name, owners, plan, tokensThisMonth } = organisation;
  const Icon = isPersonal ? IconUser : IconBuilding;
  return (
    <DataRow
      to={`/admin/organisations/${id}`}
      icon={<Icon size={22} stroke={1.5} />}
      title={name}
      description={[`${formatCount(members)} ${members === 1 ? 'member' : 'members'}`, owners.join(', ')]
        .filter(Boolean)
        .join(' · ')}
      meta={
        <>
          <span>{planNames[plan]}</span>
          <span>
            {formatMoney(costMicrosThisMonth, currency)} · {formatCount(tokensThisMonth)} tokens
          </span>
        </>
      }
    />
  );
}
