/** The HTTP contract of people's rights over their data: copies, archives, deletion, retention. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

export const dataExport = z.strictObject({
  id,
  state: z.enum(['queued', 'running', 'ready', 'failed']),
  progressPercent: z.int(),
  sizeBytes: z.number().nullable(),
  errorCode: z.string().nullable(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
  expiresAt: timestamp.nullable().describe('When it is deleted'),
});

const setResult = z.strictObject({
  title: z.string(),
  imported: z.int(),
  present: z.int().describe('Left alone, because an import of the same had brought it in before'),
  skipped: z.int(),
  problems: z.array(z.string()).describe('The first few reasons why something was left out'),
});

export const dataImport = z.strictObject({
  id,
  state: z.enum(['receiving', 'queued', 'running', 'done', 'failed']),
  filename: z.string(),
  sizeBytes: z.number().nullable(),
  receivedBytes: z.number().describe('How much of the archive has arrived; an upload goes on from here'),
  progressPercent: z.int().describe('How much of the archive has been read'),
  results: z.array(setResult),
  errorCode: z.string().nullable(),
  createdAt: timestamp,
  finishedAt: timestamp.nullable(),
});

export const deletionState = z.strictObject({
  deletion: z
    .strictObject({
      requestedAt: timestamp,
      dueAt: timestamp.describe('When everything is deleted; until then it can be taken back'),
      certificateId: id.describe('Where the certificate will be'),
    })
    .nullable(),
  graceDays: z.int().describe('Days between asking for a deletion and the deletion'),
  backupsKeptDays: z.int().describe('Backups made before hold what was deleted for at most so many days more'),
});

const certificate = z.strictObject({
  id,
  kind: z.enum(['person', 'organisation']),
  requestedAt: timestamp,
  completedAt: timestamp,
  rows: z.record(z.string(), z.int()).describe('Rows deleted, by table'),
  titles: z.record(z.string(), z.string()).describe('What those tables hold, in words; not part of what is sealed'),
  backupsKeptDays: z.int().describe('Backups made before hold the data for at most so many days more'),
  remains: z.array(z.string()).describe('What is kept, and in which form'),
  digest: z.string().describe('HMAC-SHA256 by this server over all else but the titles'),
});

const retentionRule = z.strictObject({
  kind: z.string(),
  title: z.string(),
  keepDays: z.int().min(1).max(36_500).nullable().describe('Null keeps it until somebody deletes it'),
  defaultDays: z.int().nullable(),
});

const exportParams = z.strictObject({ exportId: id });
const importParams = z.strictObject({ importId: id });

export const privacyContract = defineContract({
  'POST /exports': {
    summary: 'Make a copy of everything of mine, in the background',
    response: dataExport,
    status: 202,
  },
  'GET /exports': { summary: 'My copies, newest first', query: pageQuery, response: page(dataExport) },
  'GET /exports/{exportId}': { summary: 'How far a copy is', params: exportParams, response: dataExport },
  'GET /exports/{exportId}/archive': { summary: 'Download a copy that is ready', params: exportParams, binary: true },
  'DELETE /exports/{exportId}': { summary: 'Delete a copy', params: exportParams },
  'POST /imports': {
    summary: 'Bring an archive back into the current organisation, in the background',
    upload: true,
    response: dataImport,
    status: 202,
  },
  'GET /imports': {
    summary: 'Archives that I brought back, newest first',
    query: pageQuery,
    response: page(dataImport),
  },
  'GET /imports/{importId}': { summary: 'How far an import is', params: importParams, response: dataImport },
  'DELETE /imports/{importId}': {
    summary: 'Take an import off the list; one under way ends, and what it brought in stays',
    params: importParams,
  },
  'GET /import-limits': {
    summary: 'How large an archive may be, and the pieces it is uploaded in',
    response: z.strictObject({
      archiveMaxBytes: z.int(),
      partBytes: z.int().describe('Every piece is exactly so large, but for the last one'),
    }),
  },
  'POST /import-uploads': {
    summary: 'Announce an archive that will come in pieces; announced again, its upload goes on',
    body: z.strictObject({ filename: z.string().min(1).max(255), sizeBytes: z.int().min(1) }),
    response: dataImport,
    status: 202,
  },
  'PUT /imports/{importId}/archive': {
    summary: 'Upload a piece of an announced archive; after the last one it is read in the background',
    params: importParams,
    query: z.strictObject({
      firstByte: z.coerce.number().int().min(0).default(0).describe('Where in the archive the piece begins'),
    }),
    upload: true,
    response: dataImport,
  },
  'GET /account/deletion': { summary: 'Whether my account is about to be deleted', response: deletionState },
  'POST /account/deletion': {
    summary: 'Delete my account and everything of mine when the time of grace is over',
    response: deletionState,
    status: 202,
  },
  'DELETE /account/deletion': { summary: 'Keep my account after all', response: deletionState },
  'GET /organisation/deletion': {
    summary: 'Whether the current organisation is about to be deleted',
    response: deletionState,
  },
  'POST /organisation/deletion': {
    summary: 'Delete the current organisation and everything in it when the time of grace is over',
    body: z.strictObject({ name: z.string().min(1).max(200).describe('The name of the organisation, typed again') }),
    response: deletionState,
    status: 202,
  },
  'DELETE /organisation/deletion': { summary: 'Keep the organisation after all', response: deletionState },
  'GET /deletion-certificates/{certificateId}': {
    summary: 'What was deleted, in numbers; the id is known to who asked for the deletion',
    params: z.strictObject({ certificateId: z.uuid() }),
    response: certificate,
  },
  'GET /organisation/retention': {
    summary: 'How long the current organisation keeps each kind of data',
    response: z.strictObject({ rules: z.array(retentionRule) }),
  },
  'PUT /organisation/retention/{retentionKind}': {
    summary: 'Keep a kind of data for so many days; null goes back to the default',
    params: z.strictObject({ retentionKind: z.string().regex(/^[a-z][a-z0-9.-]{0,79}$/, 'Not a kind of data') }),
    body: z.strictObject({ keepDays: z.int().min(1).max(36_500).nullable() }),
    response: z.strictObject({ rules: z.array(retentionRule) }),
  },
});
