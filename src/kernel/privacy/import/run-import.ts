/** The durable job that brings an archive back: record by record, each judged; what does not fit is left out and counted. */
import { join } from 'node:path';
import type { Services } from '#kernel/app';
import type { Role } from '#kernel/auth';
import { isAppError } from '#kernel/errors';
import type { Workflow } from '#kernel/jobs';
import type { Rights } from '../create-rights.ts';
import { privacyErrors } from '../errors.ts';
import { SkippedRecord } from '../skipped-record.ts';
import type { Importing, PortableSet } from '../types.ts';
import { newIdFor } from './new-id-for.ts';
import { openArchive, type Archive } from './open-archive.ts';
import { archiveMaxBytes, dropPieces, openPieces } from './received-archive.ts';

export interface ImportInput {
  readonly importId: string;
  readonly tenantId: string;
  readonly userId: string;
}

/** SetResult is what became of one kind of thing. */
export interface SetResult {
  readonly title: string;
  imported: number;
  /** What an import of the same had brought in before. */
  present: number;
  skipped: number;
  /** The first few reasons, for people. */
  readonly problems: string[];
}

type Result = Record<string, SetResult>;
type Owner = Pick<ImportInput, 'tenantId' | 'userId'>;

const shownProblems = 5;
const noteMilliseconds = 500;

/** JudgedSet is a kind of thing, and whether the person may bring it in: the archive is no way around their role. */
interface JudgedSet {
  readonly set: PortableSet;
  readonly isAllowed: boolean;
}

/** Was deleted while it ran: what has come in stays, and nothing more does. */
class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/** What the database refuses of a record: data it cannot hold (class 22), references and places taken (class 23). */
const isRefusedData = (error: unknown): boolean =>
  /^2[23][0-9A-Z]{3}$/.test(String((error as { code?: unknown } | null)?.code));

/** reasonOf says why a record is left out; null when the error is not the record's, such as a database that is away. */
function reasonOf(error: unknown): string | null {
  if (error instanceof SyntaxError) return 'A line is not JSON.';
  if (error instanceof SkippedRecord) return error.message;
  if (isAppError(error) && !error.isRetryable) return error.message;
  if (isRefusedData(error)) return 'A record holds what cannot be stored, or refers to what did not come in.';
  return null;
}

async function importRecord(
  importing: Importing,
  { set, isAllowed }: JudgedSet,
  text: string,
  result: SetResult,
): Promise<void> {
  try {
    if (!isAllowed) throw new SkippedRecord('Your role in this organisation does not allow it.');
    const parsed = set.record.safeParse(JSON.parse(text));
    if (!parsed.success)
      throw new SkippedRecord(`A record is not of the right form: ${parsed.error.issues[0]?.message}`);
    const written = await set.write(importing, parsed.data);
    if (written === 'made') result.imported += 1;
    else result.present += 1;
  } catch (error) {
    const reason = reasonOf(error);
    if (reason === null) throw error;
    result.skipped += 1;
    const told = reason.slice(0, 300);
    if (result.problems.length < shownProblems && !result.problems.includes(told)) result.problems.push(told);
  }
}

type Note = (share: number, result: Result) => Promise<void>;

async function importSets(
  importing: Importing,
  archive: Archive,
  sets: readonly JudgedSet[],
  { result, note }: { readonly result: Result; readonly note: Note },
): Promise<void> {
  const weights = sets.map(({ set }) => archive.weightOf(set.name));
  const total = Math.max(
    1,
    weights.reduce((sum, weight) => sum + weight, 0),
  );
  let before = 0;
  let notedAt = 0;
  for (const [index, judged] of sets.entries()) {
    const { set } = judged;
    const own: SetResult = { title: set.title, imported: 0, present: 0, skipped: 0, problems: [] };
    result[set.name] = own;
    for await (const { text, share } of archive.lines(set.name)) {
      await importRecord(importing, judged, text, own);
      if (Date.now() - notedAt < noteMilliseconds) continue;
      notedAt = Date.now();
      await note((before + share * (weights[index] ?? 0)) / total, result);
    }
    before += weights[index] ?? 0;
  }
}

interface Outcome {
  readonly state: 'done' | 'failed';
  readonly result: Result;
  readonly errorCode: string | null;
}

async function settle(services: Services, input: ImportInput, outcome: Outcome): Promise<void> {
  const { tenantId, userId, importId } = input;
  const scope = { tenantId, userId };
  await services.db.withTenant(scope, async (tx) => {
    await tx.query({
      text: 'select from kernel.imports where tenant_id = $1 and id = $2 for update',
      values: [tenantId, importId],
    });
    await dropPieces(services, tx, scope, importId);
    await tx.query({
      text: `update kernel.imports set state = $3, result = $4, error_code = $5, object_id = null, finished_at = now(),
               progress_percent = case when $3 = 'done' then 100 else progress_percent end
             where tenant_id = $1 and id = $2 and state in ('queued', 'running')`,
      values: [tenantId, importId, outcome.state, JSON.stringify(outcome.result), outcome.errorCode],
    });
  });
}

/** failImport ends an import whose job can go on no more. */
export function failImport(services: Services, input: ImportInput, errorCode: string): Promise<void> {
  return settle(services, input, { state: 'failed', result: {}, errorCode });
}

/** begin marks the import as running and returns what a process before had brought in; null when it was deleted or is over. */
async function begin({ db }: Services, { tenantId, userId, importId }: ImportInput): Promise<Result | null> {
  const [row] = await db.withTenant({ tenantId, userId }, (tx) =>
    tx.query<{ result: Result }>({
      text: `update kernel.imports set state = 'running' where tenant_id = $1 and id = $2
             and state in ('queued', 'running') returning result`,
      values: [tenantId, importId],
    }),
  );
  return row?.result ?? null;
}

/** judgeSets asks for the role when the import runs: it may have changed since the upload. */
async function judgeSets({ db }: Services, rights: Rights, { tenantId, userId }: Owner): Promise<JudgedSet[]> {
  const [member] = await db.withAuth((tx) =>
    tx.query<{ role: Role }>({
      text: 'select role from auth.members where tenant_id = $1 and user_id = $2',
      values: [tenantId, userId],
    }),
  );
  return rights.portable.map((set) => ({ set, isAllowed: member ? rights.mayBringIn(member.role, set) : false }));
}

/** countKilled gives what a killed process of the same import brought in back to it: to this one it looks present. */
function countKilled(result: Result, before: Result): Result {
  const sets = Object.entries(result).map(([name, set]): [string, SetResult] => {
    const known = before[name]?.imported ?? 0;
    const own = Math.min(set.present, known);
    return [name, { ...set, imported: Math.max(known, set.imported + own), present: set.present - own }];
  });
  return Object.fromEntries(sets);
}

async function noteProgress(services: Services, input: ImportInput, share: number, result: Result): Promise<void> {
  const { tenantId, userId, importId } = input;
  const rows = await services.db.withTenant({ tenantId, userId }, (tx) =>
    tx.query({
      text: `update kernel.imports set progress_percent = greatest(progress_percent, $3), result = $4
             where tenant_id = $1 and id = $2 and state = 'running' returning id`,
      values: [tenantId, importId, Math.min(99, Math.floor(share * 100)), JSON.stringify(result)],
    }),
  );
  if (rows.length === 0) throw new Cancelled();
}

async function bringBack(services: Services, rights: Rights, input: ImportInput): Promise<void> {
  const { tenantId, userId, importId } = input;
  const scope = { tenantId, userId };
  const before = await begin(services, input);
  if (!before) return;
  const result: Result = {};
  const note: Note = (share) => noteProgress(services, input, share, countKilled(result, before));
  const { config } = services;
  try {
    const limits = { folder: join(config.dataDir, 'imports'), maxUnpackedBytes: archiveMaxBytes(config) };
    const body = await openPieces(services, scope, importId);
    if (!body) throw privacyErrors.ARCHIVE_UNREADABLE({ internal: 'no piece of the archive is there' });
    await using archive = await openArchive(body, limits);
    const importing: Importing = {
      services,
      scope,
      idFor: (oldId) => newIdFor(scope, oldId),
      openFile: (id) => archive.file(id),
    };
    await importSets(importing, archive, await judgeSets(services, rights, scope), { result, note });
    await settle(services, input, { state: 'done', result: countKilled(result, before), errorCode: null });
  } catch (error) {
    if (error instanceof Cancelled) return;
    services.log.error({ err: error, importId }, 'an import failed');
    const errorCode = isAppError(error) ? error.code : 'INTERNAL';
    // What had come in until then stays, and is told.
    await settle(services, input, { state: 'failed', result: countKilled(result, before), errorCode });
  }
}

/** importWorkflow makes the workflow; run twice it gives the same, because new ids follow from the old ones. */
export function importWorkflow(rights: () => Rights): Workflow<ImportInput> {
  return {
    name: 'privacy.import.v1',
    title: 'Bring data in',
    execute: (job, input) => job.step('read the archive', () => bringBack(job.services, rights(), input)),
  };
}
