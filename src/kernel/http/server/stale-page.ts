/** A page of one person in one organisation never acts for another that its browser's session belongs to meanwhile (K3.1). */
import type { Principal } from '#kernel/auth';
import type { Route } from '../types.ts';
import { httpErrors } from './errors.ts';

/** organisationHeader names the organisation a caller believes to work in; optional. */
const organisationHeader = 'x-organisation';

/** personHeader names the person a caller believes to act for, by id; optional. */
const personHeader = 'x-person';

/** findStalePage refuses when the caller names another person or organisation than those it would act for. */
export function findStalePage(
  headers: Readonly<Record<string, string | string[] | undefined>>,
  principal: Principal | null,
  route: Pick<Route, 'access'>,
): Error | null {
  // What is for everybody is the same whoever one is.
  if (route.access === 'public' || !principal) return null;
  const differs = (header: string, actual: string) => headers[header] !== undefined && headers[header] !== actual;
  if (differs(personHeader, principal.userId)) return httpErrors.PERSON_CHANGED();
  return differs(organisationHeader, principal.tenantId) ? httpErrors.ORGANISATION_CHANGED() : null;
}
