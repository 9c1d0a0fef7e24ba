/** The HTTP contract of the console of who runs the server: figures, people, organisations, use and jobs; never what people keep here. */
import { z } from 'zod';
import { day, defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

const search = z.string().trim().min(1).max(200);
const role = z.enum(['owner', 'admin', 'member', 'viewer']);
const plan = z.enum(['free', 'pro', 'enterprise']);
const costMicros = z.int().describe('Millionths of the currency');
const currency = z.string().describe('ISO 4217');

export const healthCheck = z.strictObject({
  name: z.string().describe('What is looked at, such as `database`'),
  title: z.string(),
  state: z.enum(['ok', 'degraded', 'down', 'unknown']),
  detail: z.string().describe('What was found'),
  advice: z.string().nullable().describe('What to do about it; null when there is nothing to do'),
});

export const activityDay = z.strictObject({
  day: z.iso.date(),
  people: z.int().describe('People for whom a model was asked'),
  messages: z.int().describe('Answers that models gave'),
  tokens: z.int(),
  costMicros,
});

const overview = z.strictObject({
  version: z.string(),
  checks: z.array(healthCheck).max(50),
  currency,
  people: z.int(),
  disabledPeople: z.int(),
  organisations: z.int().describe('Shared ones, beside one for each person'),
  activeToday: z.int().describe('People with a session used in the last 24 hours'),
  erasuresDue: z.int().describe('People and organisations that will be deleted'),
  days: z.array(activityDay).max(31).describe('The last 30 days, today last'),
});

export const personSummary = z.strictObject({
  id,
  name: z.string(),
  email: z.string(),
  isEmailVerified: z.boolean(),
  isOperator: z.boolean(),
  isMe: z.boolean(),
  disabledAt: timestamp.nullable(),
  createdAt: timestamp,
  lastSeenAt: timestamp.nullable(),
  sessions: z.int().describe('Browsers and devices that are signed in'),
});

const personDetail = personSummary.extend({
  username: z.string().nullable(),
  organisations: z.array(z.strictObject({ id, name: z.string(), isPersonal: z.boolean(), role })).max(200),
  means: z
    .strictObject({
      password: z.boolean(),
      passkeys: z.int(),
      authenticator: z.boolean(),
      providers: z.array(z.string()),
      apiKeys: z.int(),
    })
    .describe('How the person can sign in'),
});

export const organisationSummary = z.strictObject({
  id,
  name: z.string(),
  isPersonal: z.boolean(),
  createdAt: timestamp,
  members: z.int(),
  owners: z.array(z.string()).max(3).describe('Addresses of up to three owners'),
  plan,
  costMicrosThisMonth: costMicros,
  tokensThisMonth: z.int(),
});

/** serverInvitation has no token: it is shown once or mailed. */
export const serverInvitation = z.strictObject({
  id,
  email: z.string().nullable().describe('Null for a link'),
  maxUses: z.int(),
  uses: z.int(),
  invitedBy: z.string().nullable().describe('Name of who invited'),
  createdAt: timestamp,
  sentAt: timestamp.nullable().describe('When the mail was last sent'),
  expiresAt: timestamp,
  isOpen: z.boolean().describe('False once it is over, used up, or a link of somebody who runs this server no more'),
});

const usageRow = z.strictObject({
  day: z.iso.date(),
  organisationId: id,
  organisationName: z.string(),
  model: z.string(),
  calls: z.int(),
  tokens: z.int(),
  costMicros,
});

export const jobSummary = z.strictObject({
  title: z.string().nullable().describe('What it does, for people; null for one that this version no longer has'),
  id: z.string(),
  name: z.string(),
  state: z.enum(['running', 'waiting', 'done', 'failed', 'cancelled']),
  createdAt: timestamp,
  updatedAt: timestamp,
  error: z.string().nullable(),
});

const expiresInDays = z.int().min(1).max(30).default(7);
const invitationParams = z.strictObject({ invitationId: id });
const personParams = z.strictObject({ personId: id });
const jobParams = z.strictObject({ jobId: z.string().regex(/^[\w.:@/-]{1,300}$/, 'Not the id of a job') });
const range = {
  from: day.describe('First day, UTC'),
  to: day.describe('Last day, UTC; at most 92 days'),
};

const invitationOperations = defineContract({
  'GET /admin/invitations': {
    summary: 'List invitations to this server, newest first',
    query: pageQuery,
    response: page(serverInvitation),
  },
  'POST /admin/invitations': {
    summary: 'Invite somebody to this server by mail, also where signing up is closed; the link works once',
    body: z.strictObject({
      email: z.email().max(254).toLowerCase().describe('E-mail address; case does not matter'),
      expiresInDays,
    }),
    response: serverInvitation,
    status: 201,
  },
  'POST /admin/invitation-links': {
    summary: 'Make a link by which several people can make accounts here; it is shown this once',
    body: z.strictObject({ maxUses: z.int().min(1).max(1000).default(1), expiresInDays }),
    response: z.strictObject({
      invitation: serverInvitation,
      token: z.string().describe('What stands behind `#token=` in the link'),
      url: z.string().describe('The link to pass on'),
    }),
  },
  'POST /admin/invitations/{invitationId}/resend': {
    summary: 'Mail an invitation again, with a new link and a new week; the old link stops working',
    params: invitationParams,
    response: serverInvitation,
  },
  'DELETE /admin/invitations/{invitationId}': {
    summary: 'Revoke an invitation to this server',
    params: invitationParams,
    status: 204,
  },
});

export const adminContract = defineContract({
  ...invitationOperations,
  'GET /admin/overview': {
    summary: 'Read the health of the installation and its figures',
    response: overview,
  },
  'GET /admin/people': {
    summary: 'List accounts, newest first',
    query: pageQuery.extend({
      search: search.optional().describe('Part of the name, the address or the username'),
      only: z.enum(['operators', 'disabled']).optional(),
    }),
    response: page(personSummary),
  },
  'GET /admin/people/{personId}': {
    summary: 'Read an account: organisations, ways to sign in, sessions; never what the person keeps here',
    params: personParams,
    response: personDetail,
  },
  'PUT /admin/people/{personId}/state': {
    summary: 'Switch an account off, which signs it out everywhere, or on again',
    params: personParams,
    body: z.strictObject({ isDisabled: z.boolean() }),
    response: personSummary,
  },
  'PUT /admin/people/{personId}/operator': {
    summary: 'Let a person run this server, or no longer; one always remains',
    params: personParams,
    body: z.strictObject({ isOperator: z.boolean() }),
    response: personSummary,
  },
  'POST /admin/people/{personId}/end-sessions': {
    summary: 'Sign a person out of all browsers and devices',
    params: personParams,
    response: z.strictObject({ ended: z.int() }),
  },
  'POST /admin/people/{personId}/password-reset': {
    summary: 'Mail a person a link to choose a new password',
    params: personParams,
    status: 204,
  },
  'GET /admin/organisations': {
    summary: 'List organisations, newest first',
    query: pageQuery.extend({
      search: search.optional().describe('Part of the name, or the address of a member'),
      kind: z.enum(['shared', 'personal']).optional(),
    }),
    response: page(organisationSummary),
  },
  'GET /admin/organisations/{organisationId}': {
    summary: 'Read an organisation: plan, members, use and flags; never what people keep in it',
    params: z.strictObject({ organisationId: id }),
    response: organisationSummary.extend({
      currency,
      people: z.array(z.strictObject({ id, name: z.string(), email: z.string(), role })).max(200),
      flags: z.array(
        z.strictObject({ name: z.string(), title: z.string(), isOn: z.boolean(), isException: z.boolean() }),
      ),
    }),
  },
  'GET /admin/usage': {
    summary: 'Sum use by day, organisation and model, dearest first',
    query: z.strictObject({ ...range, limit: z.coerce.number().int().min(1).max(5_000).default(1_000) }),
    response: z.strictObject({
      currency,
      items: z.array(usageRow).max(5_000),
      isComplete: z.boolean().describe('False when there are more than `limit`'),
    }),
  },
  'GET /admin/jobs': {
    summary: 'List background jobs, newest first',
    query: pageQuery.extend({
      state: z.enum(['running', 'waiting', 'done', 'failed', 'cancelled']).optional(),
      search: search.optional().describe('Part of the title, the name or the id'),
    }),
    response: z.strictObject({ items: z.array(jobSummary), nextCursor: z.string().nullable() }),
  },
  'POST /admin/jobs/{jobId}/retry': {
    summary: 'Let a job that failed or was cancelled go on where it stopped',
    params: jobParams,
    status: 204,
  },
  'POST /admin/jobs/{jobId}/cancel': {
    summary: 'Stop a job before its next step',
    params: jobParams,
    status: 204,
  },
});

export type HealthCheck = z.output<typeof healthCheck>;
export type ActivityDay = z.output<typeof activityDay>;
export type PersonSummary = z.output<typeof personSummary>;
export type ServerInvitation = z.output<typeof serverInvitation>;
export type OrganisationSummary = z.output<typeof organisationSummary>;
