/** Parameters of a page's address. Pages of applications are found at build time, so the router cannot know their types. */
import { useParams } from '@tanstack/react-router';

/** usePageParams reads `$name` places of the address: `const { ticketId } = usePageParams('ticketId')`. */
export function usePageParams<const Name extends string>(...names: readonly Name[]): Record<Name, string> {
  const params = useParams({ strict: false }) as Record<string, string | undefined>;
  return Object.fromEntries(names.map((name) => [name, params[name] ?? ''])) as Record<Name, string>;
}
