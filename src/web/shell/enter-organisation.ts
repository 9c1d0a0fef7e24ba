/** The first page of a load fixes where it works; what another person or organisation left in memory is forgotten. */
import { believedOrganisation, workIn } from '../api.ts';
import { sessionQuery, type Session } from '../session.ts';
import { queryClient } from './query-client.ts';

let lastPlace: string | null = null;

/** enterOrganisation is called before any page of the shell asks the server for anything. */
export function enterOrganisation({ user, organisation }: Session): void {
  if (believedOrganisation() !== null) return;
  const place = `${user.id} ${organisation.id}`;
  if (lastPlace !== null && lastPlace !== place) {
    queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== sessionQuery.queryKey[0] });
  }
  lastPlace = place;
  workIn({ organisationId: organisation.id, personId: user.id });
}

/** leaveOrganisation is called by pages for people who are not signed in. */
export function leaveOrganisation(): void {
  workIn(null);
}
