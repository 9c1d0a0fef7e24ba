/**
 * Each page works in one organisation from its load to its end. It says so with every call, and the server refuses when
 * the session has gone elsewhere meanwhile, so that no tab acts where its person does not see it.
 */
import type { tenancyContract } from '../kernel/tenancy/contract.ts';
import { queryOf } from './api-hooks.ts';
import { createApi, believedOrganisation, type ItemOf } from './api.ts';

export const tenancyApi = createApi<typeof tenancyContract>();

export type OrganisationSummary = ItemOf<(typeof tenancyContract)['GET /organisations']>;

/** placesQuery reads where one may work. */
export const placesQuery = queryOf(tenancyApi, 'GET /organisations', { query: { limit: 200 } });

/** ofRole names a role as it stands in a sentence and on a badge. */
export const roleNames = { owner: 'Owner', admin: 'Admin', member: 'Member', viewer: 'Viewer' } as const;

/** roleMeanings say what a role is for, where one is chosen. */
export const roleMeanings = {
  owner: 'Everything, also ownership',
  admin: 'Manages people, models and settings',
  member: 'Works with the applications',
  viewer: 'Reads, changes nothing',
} as const;

/** A channel does not hear itself, so that speaking and listening share one. */
const channel = new BroadcastChannel('bulkhead.organisation');

/** Where the others say that the session works; null while nobody has said anything. */
let told: string | null = null;

// Heard from the first moment on: whoever shows it is loaded later, and what was said meanwhile is not said again.
channel.addEventListener('message', (event) => {
  told = String(event.data);
});

/** tellOtherTabs lets the other tabs of this browser know where the session works now. */
export function tellOtherTabs(organisationId: string): void {
  told = organisationId;
  channel.postMessage(organisationId);
}

/** onToldByAnotherTab calls back when another tab took, or has taken, the session away from this page's organisation; returns the end of it. */
export function onToldByAnotherTab(onChange: () => void): () => void {
  const listen = () => {
    if (told !== null && told !== believedOrganisation()) onChange();
  };
  listen();
  channel.addEventListener('message', listen);
  return () => channel.removeEventListener('message', listen);
}

/** goToOrganisation takes the session there and loads the page anew, which forgets all of the organisation before. */
export async function goToOrganisation(organisationId: string, path = '/'): Promise<void> {
  await tenancyApi('POST /organisations/{organisationId}/switch', { params: { organisationId } });
  arriveAt(organisationId, path);
}

/** arriveAt loads the page anew once the session works in the organisation. */
export function arriveAt(organisationId: string, path = '/'): void {
  tellOtherTabs(organisationId);
  location.assign(path);
}
