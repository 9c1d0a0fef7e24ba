/** The picture of the organisation one works in, for the shell and its settings. */
import { useQuery } from '@tanstack/react-query';
import type { imagesContract } from '../kernel/images/contract.ts';
import { queryOf } from './api-hooks.ts';
import { createApi } from './api.ts';

export const imagesApi = createApi<typeof imagesContract>();

/** The links in the answer end within a day; asked again in time, the browser finds the same pictures in its cache. */
const staleMilliseconds = 6 * 3_600_000;

export const organisationPictureQuery = {
  ...queryOf(imagesApi, 'GET /organisation/picture'),
  staleTime: staleMilliseconds,
  refetchInterval: staleMilliseconds,
};

/** useOrganisationPicture is null where there is none, and until it is known. */
export function useOrganisationPicture() {
  return useQuery(organisationPictureQuery).data?.picture ?? null;
}
