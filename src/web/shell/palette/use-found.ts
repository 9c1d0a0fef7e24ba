/** Searches one's own things while one types: the applications' and, where permitted, the members. */
import { useDebouncedValue } from '@mantine/hooks';
import { IconUser } from '@tabler/icons-react';
import { useQueries, useQuery, keepPreviousData } from '@tanstack/react-query';
import type { PaletteGroup } from '../../app-pages.ts';
import { tenancyApi } from '../../organisation.ts';
import { useSession } from '../../session.ts';
import { useMyApps } from '../navigation.tsx';

/** Fast enough to feel like typing, slow enough not to ask for every letter. */
const pauseMilliseconds = 150;
const shownMembers = 5;
/** The longest text that every list takes. */
const longestQuery = 200;
const fresh = { staleTime: 10_000, gcTime: 60_000, retry: false } as const;

/** useFound returns the groups found so far; `isFailed` when a part of it could not be asked. */
export function useFound(typed: string) {
  const [paused] = useDebouncedValue(typed.trim().slice(0, longestQuery), pauseMilliseconds);
  const { permissions, organisation } = useSession();
  const apps = useMyApps();
  const sources = useQueries({
    queries: apps.map((app) => ({
      queryKey: ['palette', organisation.id, app.id, paused],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<readonly PaletteGroup[]> =>
        (await app.palette?.())?.find(paused, { signal, permissions }) ?? [],
      placeholderData: keepPreviousData,
      ...fresh,
    })),
  });
  const maySeeMembers = permissions.includes('organisation.member.read') && !organisation.isPersonal;
  const members = useQuery({
    queryKey: ['palette', organisation.id, 'members', paused],
    queryFn: ({ signal }) => findMembers(paused, signal),
    enabled: maySeeMembers && paused !== '',
    ...fresh,
  });
  const groups = [
    ...sources.flatMap(({ data }) => data ?? []),
    ...(paused !== '' && members.data ? [members.data] : []),
  ];
  const all = [...sources, members];
  return {
    groups,
    isSearching: typed.trim() !== paused || all.some(({ isFetching }) => isFetching),
    isFailed: all.some(({ isError }) => isError),
  };
}

async function findMembers(query: string, signal: AbortSignal): Promise<PaletteGroup> {
  const { items } = await tenancyApi('GET /members', { query: { search: query, limit: shownMembers }, signal });
  return {
    title: 'Members',
    entries: items.map(({ id, name, email }) => ({
      id: `member.${id}`,
      label: name,
      description: email,
      icon: IconUser,
      to: `/settings/members?search=${encodeURIComponent(email)}`,
    })),
  };
}

/** useAppActions are what the applications let one do; loaded with the palette. */
export function useAppActions() {
  const { permissions, organisation } = useSession();
  const apps = useMyApps();
  const loaded = useQueries({
    queries: apps.map((app) => ({
      queryKey: ['palette-actions', organisation.id, app.id, permissions],
      queryFn: async () => (await app.palette?.())?.actions(permissions) ?? [],
      staleTime: Infinity,
    })),
  });
  return loaded.flatMap(({ data }) => data ?? []);
}
