/** A SCIM filter becomes a condition with parameters; nothing of its text ever reaches the statement. */
import { groupSchema, userSchema } from './contract.ts';
import { scimErrors } from './errors.ts';
import { parseFilter, type Comparison, type Filter } from './filter-parser.ts';

/** Attribute is an expression in SQL, and how its values compare: `text` whatever the case, `exact` letter by letter. */
export interface Attribute {
  readonly sql: string;
  readonly type: 'text' | 'exact' | 'truth' | 'time';
}

/** FilterColumns says which expression stands for an attribute, by its name in lower case. */
export interface FilterColumns {
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Conditions with `?` in the place of the value, for `eq` alone. */
  readonly related?: Readonly<Record<string, string>>;
}

/** Condition is SQL with `$n` for its values. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

type Compared = Extract<Filter, { value: unknown }>;

/** `?` is the value. */
const comparisons: Readonly<Record<Comparison, (column: string) => string>> = {
  eq: (column) => `${column} = ?`,
  ne: (column) => `${column} = ?`, // turned round as a whole, so that what has no value differs from every value
  co: (column) => `strpos(${column}, ?) > 0`,
  sw: (column) => `starts_with(${column}, ?)`,
  ew: (column) => `right(${column}, char_length(?)) = ?`,
  gt: (column) => `${column} > ?`,
  ge: (column) => `${column} >= ?`,
  lt: (column) => `${column} < ?`,
  le: (column) => `${column} <= ?`,
};
const timeComparisons: ReadonlySet<Comparison> = new Set(['eq', 'ne', 'gt', 'ge', 'lt', 'le']);

function refuse(detail: string): never {
  throw scimErrors.SCIM_FILTER_INVALID({ detail });
}

function readFilter(text: string): Filter {
  try {
    return parseFilter(text);
  } catch (error) {
    throw scimErrors.SCIM_FILTER_INVALID({ cause: error });
  }
}

/** shorten takes off the schema that a path may begin with, and the case. */
export function shorten(path: string): string {
  const lower = path.toLowerCase();
  const schema = [userSchema, groupSchema].find((urn) => lower.startsWith(`${urn.toLowerCase()}:`));
  return schema ? lower.slice(schema.length + 1) : lower;
}

/** findAttribute is null for what is not kept here. */
export function findAttribute(columns: FilterColumns, path: string): Attribute | null {
  const name = shorten(path);
  return Object.hasOwn(columns.attributes, name) ? (columns.attributes[name] ?? null) : null;
}

function isTruth(value: Compared['value']): boolean | null {
  if (typeof value === 'boolean') return value;
  const text = typeof value === 'string' ? value.toLowerCase() : '';
  return text === 'true' ? true : text === 'false' ? false : null;
}

/** toCondition translates a filter; its values are numbered from `first` on. Throws SCIM_FILTER_INVALID. */
export function toCondition(text: string, columns: FilterColumns, first: number): Condition {
  const values: unknown[] = [];
  const bind = (sql: string, value: unknown, type: string): string =>
    sql.replaceAll('?', () => {
      values.push(value);
      return `$${first + values.length - 1}::${type}`;
    });

  function compareTo({ sql, type }: Attribute, { op, path, value }: Compared): string {
    if (value === null && (op === 'eq' || op === 'ne')) return `${sql} is null`;
    if (type === 'truth') {
      const truth = isTruth(value);
      if (truth === null || (op !== 'eq' && op !== 'ne'))
        return refuse(`${path} is true or false; it takes eq and ne.`);
      return `${sql} is ${truth}`;
    }
    if (typeof value !== 'string' || value.includes('\0')) return refuse(`The value of ${path} is not of its type.`);
    if (type === 'time') {
      if (!timeComparisons.has(op) || !/^\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)$/.test(value))
        return refuse(`${path} is a time; it takes eq, ne, gt, ge, lt and le.`);
      const time = new Date(value);
      return Number.isNaN(time.getTime())
        ? refuse(`${path} is a time.`)
        : bind(comparisons[op](sql), time, 'timestamptz');
    }
    if (type === 'exact') return bind(comparisons[op](sql), value, 'text');
    return bind(comparisons[op](`lower(${sql})`).replaceAll('?', 'lower(?)'), value, 'text');
  }

  function compare(filter: Compared): string {
    const name = shorten(filter.path);
    const related = columns.related && Object.hasOwn(columns.related, name) ? columns.related[name] : undefined;
    if (related && filter.op === 'eq' && typeof filter.value === 'string') return bind(related, filter.value, 'text');
    const attribute = findAttribute(columns, filter.path);
    if (!attribute) return refuse(`${filter.path} cannot be filtered by ${filter.op} here.`);
    // What has no value is false rather than unknown, or `not` would lose it.
    const sql = `coalesce(${compareTo(attribute, filter)}, false)`;
    return filter.op === 'ne' ? `(not ${sql})` : sql;
  }

  /** `prefix` is the attribute in whose brackets the filter stands. */
  function translate(filter: Filter, prefix: string): string {
    switch (filter.op) {
      case 'and':
      case 'or':
        return `(${filter.filters.map((part) => translate(part, prefix)).join(` ${filter.op} `)})`;
      case 'not':
        return `(not ${translate(filter.filter, prefix)})`;
      case 'pr': {
        const attribute = findAttribute(columns, prefix + filter.path);
        return attribute ? `${attribute.sql} is not null` : refuse(`${filter.path} cannot be filtered by pr here.`);
      }
      case '[]':
        return prefix === '' ? translate(filter.filter, `${filter.path}.`) : refuse('Brackets do not nest.');
      default:
        return compare({ ...filter, path: prefix + filter.path });
    }
  }

  return { sql: translate(readFilter(text), ''), values };
}

/** toOrder is the order that sortBy and sortOrder ask for, as an expression; null for the one in which rows were made. */
export function toOrder(
  { sortBy, sortOrder }: { readonly sortBy?: string | undefined; readonly sortOrder?: string | undefined },
  columns: FilterColumns,
): string | null {
  if (sortBy === undefined) return null;
  const attribute = findAttribute(columns, sortBy);
  if (!attribute) throw scimErrors.SCIM_PATH_INVALID({ detail: 'Nothing is sorted by this attribute here.' });
  const { sql, type } = attribute;
  // What has no value comes last, and first the other way round (RFC 7644, 3.4.2.3), as PostgreSQL has it too.
  return `${type === 'text' ? `lower(${sql})` : sql} ${sortOrder?.toLowerCase() === 'descending' ? 'desc' : 'asc'}`;
}
