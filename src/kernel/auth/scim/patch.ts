/** PATCH as directories send it (RFC 7644, 3.5.2): attributes that we do not keep are left aside, wrong values are not. */
import { z } from 'zod';
import type { PatchOperation } from './contract.ts';
import { scimErrors } from './errors.ts';
import { shorten } from './filter.ts';
import { parseValuePath, type Filter, type ValuePath } from './filter-parser.ts';

/** UserDraft is what of a person the directory decides. */
export interface UserDraft {
  readonly userName: string;
  readonly externalId: string | null;
  readonly displayName: string;
  readonly givenName: string | null;
  readonly familyName: string | null;
  readonly isActive: boolean;
  /** The address that the directory states, in lower case; null when it states none. */
  readonly email: string | null;
}

const printable = /^\P{Cc}*$/u;
const required = (max: number) => z.string().min(1).max(max).regex(printable);
const optional = z
  .string()
  .max(200)
  .regex(printable)
  .nullish()
  .transform((text) => text || null);
const truth = z.union([z.boolean(), z.stringbool({ truthy: ['true'], falsy: ['false'] })]);

/** What each attribute sets, by its path in lower case. */
const userAttributes: Readonly<Record<string, (value: unknown) => Partial<UserDraft>>> = {
  username: (value) => ({ userName: read(required(254), value, 'userName') }),
  externalid: (value) => ({ externalId: read(optional, value, 'externalId') }),
  displayname: (value) => ({ displayName: read(required(200), value, 'displayName') }),
  active: (value) => ({ isActive: read(truth, value, 'active') }),
  'name.givenname': (value) => ({ givenName: read(optional, value, 'name.givenName') }),
  'name.familyname': (value) => ({ familyName: read(optional, value, 'name.familyName') }),
  emails: (value) => ({ email: statedAddress(read(emailList, Array.isArray(value) ? value : [value], 'emails')) }),
  'emails.value': (value) => ({ email: read(optional, value, 'emails.value')?.trim().toLowerCase() ?? null }),
};

/** What goes with a removed attribute; an address is the account's, and stays. */
const removed: Readonly<Record<string, (draft: UserDraft) => Partial<UserDraft>>> = {
  externalid: () => ({ externalId: null }),
  'name.givenname': () => ({ givenName: null }),
  'name.familyname': () => ({ familyName: null }),
  displayname: (draft) => ({ displayName: nameOf(draft) }),
  emails: () => ({}),
  'emails.value': () => ({}),
};

/** nameOf is what somebody is called of whom the directory keeps no displayName. */
export function nameOf(draft: Pick<UserDraft, 'givenName' | 'familyName' | 'userName'>): string {
  return [draft.givenName, draft.familyName].filter(Boolean).join(' ').slice(0, 200) || draft.userName.slice(0, 200);
}

const emailList = z.array(z.object({ value: optional, type: optional, primary: truth.nullish() })).max(20);

/** StatedEmail is one of the addresses that a directory states. */
export interface StatedEmail {
  readonly value?: string | null | undefined;
  readonly type?: string | null | undefined;
  readonly primary?: boolean | null | undefined;
}

/** statedAddress is the primary address, else the one for work, else one of no kind; null for none of these. */
export function statedAddress(emails: readonly StatedEmail[] | null | undefined): string | null {
  const stated =
    emails?.find(({ primary }) => primary === true) ??
    emails?.find(({ type }) => type?.toLowerCase() === 'work') ??
    emails?.find(({ type }) => !type);
  return stated?.value?.trim().toLowerCase() || null;
}

function read<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw scimErrors.SCIM_VALUE_INVALID({ detail: `The value of ${name} cannot be used.` });
}

function readPath(path: string): ValuePath {
  try {
    return parseValuePath(path);
  } catch (error) {
    throw scimErrors.SCIM_PATH_INVALID({ cause: error });
  }
}

/** isOurAddress: everybody has one address here, which is for work and the primary one. */
function isOurAddress(filter: Filter): boolean {
  switch (filter.op) {
    case 'and':
      return filter.filters.every(isOurAddress);
    case 'or':
      return filter.filters.some(isOurAddress);
    case 'eq': {
      const wanted = { type: 'work', primary: 'true' }[filter.path.toLowerCase()];
      return wanted !== undefined && String(filter.value).toLowerCase() === wanted;
    }
    default:
      return false;
  }
}

/** nameOfPath is the name of an attribute of people in lower case; null for what is kept by others. */
function nameOfPath(path: string): string | null {
  const { attribute, filter, subAttribute } = readPath(path);
  const name = shorten(attribute);
  if (filter === null) return name;
  if (name !== 'emails' || !isOurAddress(filter)) return null;
  return subAttribute === null ? 'emails' : `emails.${subAttribute.toLowerCase()}`;
}

/** flatten lists the attributes of a value without a path: `{name: {givenName}}` and `{'name.givenName'}` are one. */
function flatten(value: unknown): [path: string, value: unknown][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw scimErrors.SCIM_VALUE_INVALID({ detail: 'An operation without a path has an object as its value.' });
  }
  return Object.entries(value).flatMap(([name, part]): [string, unknown][] => {
    const path = shorten(name);
    const isName = path === 'name' && typeof part === 'object' && part !== null;
    return isName ? Object.entries(part).map(([key, text]) => [`name.${key.toLowerCase()}`, text]) : [[path, part]];
  });
}

/** namedParts lists what a value without a path, or one of `name`, sets; all parts of a name go when it is removed. */
function namedParts(op: PatchOperation['op'], short: string | null, value: unknown): [path: string, value: unknown][] {
  if (short === null) return flatten(value);
  if (op === 'remove') return ['name.givenname', 'name.familyname'].map((name) => [name, null]);
  return flatten({ name: value });
}

/** patchUser applies operations in their order. Throws SCIM_VALUE_INVALID, SCIM_PATH_INVALID. */
export function patchUser(draft: UserDraft, operations: readonly PatchOperation[]): UserDraft {
  const result = { ...draft };
  for (const { op, path, value } of operations) {
    if (op === 'remove' && !path) throw scimErrors.SCIM_PATH_INVALID({ detail: 'What is removed needs a path.' });
    const short = path ? nameOfPath(path) : null;
    if (path && short === null) continue; // a phone number, another address
    const settings = short && short !== 'name' ? [[short, value] as const] : namedParts(op, short, value);
    for (const [name, given] of settings) {
      const set = Object.hasOwn(userAttributes, name) ? userAttributes[name] : undefined;
      if (!set) continue; // kept by others: a title, a department
      if (op !== 'remove') Object.assign(result, set(given));
      else if (Object.hasOwn(removed, name)) Object.assign(result, removed[name]?.(result));
      else throw scimErrors.SCIM_VALUE_INVALID({ detail: `${path} is required.` });
    }
  }
  return result;
}

/** GroupDraft is what of a group the directory decides; members are ids of people it provisioned. */
export interface GroupDraft {
  readonly displayName: string;
  readonly externalId: string | null;
  readonly members: ReadonlySet<string>;
}

const memberList = z.array(z.object({ value: z.string().max(100) })).max(5_000);

function readMembers(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  return read(memberList, Array.isArray(value) ? value : [value], 'members').map((member) => member.value);
}

/** namedMember reads `members[value eq "…"]`; null for `members` itself. */
function namedMember({ filter, subAttribute }: ValuePath): string | null {
  if (filter === null) return null;
  const isOne = filter.op === 'eq' && filter.path.toLowerCase() === 'value' && subAttribute === null;
  if (isOne && typeof filter.value === 'string') return filter.value.toLowerCase();
  throw scimErrors.SCIM_PATH_INVALID({ detail: 'Members are named by members[value eq "…"].' });
}

function patchMembers(draft: GroupDraft, op: PatchOperation['op'], path: ValuePath, value: unknown): GroupDraft {
  const one = namedMember(path);
  if (op === 'remove') {
    const isEverybody = one === null && (value === undefined || value === null);
    const gone = isEverybody ? draft.members : new Set(one === null ? readMembers(value) : [one]);
    return { ...draft, members: new Set([...draft.members].filter((id) => !gone.has(id))) };
  }
  const given = new Set(one === null ? readMembers(value) : [one]);
  return { ...draft, members: op === 'replace' && one === null ? given : new Set([...draft.members, ...given]) };
}

/** patchGroup applies operations in their order. Throws SCIM_VALUE_INVALID, SCIM_PATH_INVALID. */
export function patchGroup(draft: GroupDraft, operations: readonly PatchOperation[]): GroupDraft {
  let result = draft;
  for (const { op, path, value } of operations) {
    if (op === 'remove' && !path) throw scimErrors.SCIM_PATH_INVALID({ detail: 'What is removed needs a path.' });
    const parsed = path ? readPath(path) : null;
    const settings = parsed ? [[shorten(parsed.attribute), value] as const] : flatten(value);
    for (const [name, given] of settings) {
      const whole = parsed ?? { attribute: name, filter: null, subAttribute: null };
      if (name === 'members') result = patchMembers(result, op, whole, given);
      else if (name === 'displayname') result = { ...result, displayName: read(required(200), given, 'displayName') };
      else if (name === 'externalid') {
        result = { ...result, externalId: read(optional, op === 'remove' ? null : given, 'externalId') };
      }
    }
  }
  return result;
}
