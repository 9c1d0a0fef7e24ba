/** Lists of people and of groups are filtered, ordered, cut into pages and shown in one way. */
import type { Window } from './directory-store.ts';
import { toCondition, toOrder, type Condition, type FilterColumns } from './filter.ts';
import { describeList, selectAttributes, type Group, type Selection, type User } from './scim-answers.ts';

interface ListQuery extends Selection {
  readonly filter?: string | undefined;
  readonly startIndex: number;
  readonly count: number;
  readonly sortBy?: string | undefined;
  readonly sortOrder?: string | undefined;
}

interface Listing<Row, Resource> {
  readonly columns: FilterColumns;
  /** Reads a window of what fits; the condition's values are numbered from $2, after the tenant's id. */
  readonly read: (condition: Condition | null, window: Window) => Promise<{ rows: Row[]; total: number }>;
  readonly describe: (row: Row) => Resource;
}

/** windowOf translates startIndex and count, which RFC 7644 has forgiven rather than refused when out of range, and the order. */
function windowOf(query: ListQuery, known: FilterColumns) {
  const first = Math.max(1, query.startIndex);
  const limit = Math.min(200, Math.max(0, query.count));
  return { first, window: { offset: first - 1, limit, order: toOrder(query, known) } };
}

/** answerList answers with a page of what fits the filter. Throws SCIM_FILTER_INVALID. */
export async function answerList<Row, Resource extends User | Group>(
  query: ListQuery,
  { columns, read, describe }: Listing<Row, Resource>,
) {
  const { first, window } = windowOf(query, columns);
  const condition = query.filter === undefined ? null : toCondition(query.filter, columns, 2);
  const { rows, total } = await read(condition, window);
  return describeList(
    rows.map((row) => selectAttributes(describe(row), query)),
    total,
    first,
  );
}
