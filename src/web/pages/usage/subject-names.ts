/** The names of what calls were made for are the applications' to know; each may say them. */
import { useQuery } from '@tanstack/react-query';
import { queryOf } from '../../api-hooks.ts';
import { useSession } from '../../session.ts';
import { installedApps } from '../../shell/installed-apps.ts';
import { keysApi } from './usage-api.ts';

const nobody: ReadonlyMap<string, string> = new Map();

/** useSubjectNames maps ids to names, as far as the applications tell; empty while it loads. */
export function useSubjectNames(isWanted: boolean): ReadonlyMap<string, string> {
  const { apps } = useSession();
  const names = useQuery({
    queryKey: ['names of subjects', apps.map(({ id }) => id)],
    enabled: isWanted,
    staleTime: 60_000,
    queryFn: async () => {
      const told = installedApps.filter(({ id }) => apps.some((app) => app.id === id));
      const maps = await Promise.all(told.map(async ({ nameSubjects }) => nameSubjects?.() ?? nobody));
      return new Map(maps.flatMap((map) => [...map]));
    },
  });
  return names.data ?? nobody;
}

/** useKeyNames maps ids of API keys to their names and ends, for owners and admins; the newest 200. */
export function useKeyNames(isWanted: boolean): ReadonlyMap<string, string> {
  const keys = useQuery({
    ...queryOf(keysApi, 'GET /api-keys', { query: { of: 'everybody', limit: 200 } }),
    enabled: isWanted,
  });
  return new Map(keys.data?.items.map(({ id, lastFour, name }) => [id, `${name} (…${lastFour})`]));
}
