/** The names of agents by their ids, for pages that count what they used. */
import { agentsApi } from './agents-api.ts';

const maxPages = 10;

/** readSubjectNames reads the first 2,000 agents. */
export async function readSubjectNames(): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const { items, nextCursor } = await agentsApi('GET /agents', { query: { limit: 200, cursor } });
    for (const { id, name } of items) names.set(id, name);
    if (nextCursor === null) break;
    cursor = nextCursor;
  }
  return names;
}
