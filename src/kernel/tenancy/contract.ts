/** The API of organisations: making and switching them, their members, and invitations. No list shows a token. */
import { z } from 'zod';
import { defineContract, id, page, pageQuery, timestamp } from '#kernel/contract';

/** PostgreSQL stores no NUL, and control characters have no place in a name. */
const printable = /^\P{Cc}*$/u;
const organisationName = z
  .string()
  .trim()
  .min(1)
  .max(200)
  .regex(printable, 'Control characters are not allowed')
  .describe('How the organisation is called');

export const role = z.enum(['owner', 'admin', 'member', 'viewer']);
/** givenRole leaves out owner: ownership has a route of its own, which asks for a recent proof. */
const givenRole = z.enum(['admin', 'member', 'viewer']);

export const organisationSummary = z.strictObject({
  id,
  name: z.string(),
  isPersonal: z.boolean().describe('A person’s own: it cannot be shared or left'),
  role: role.describe('My role there'),
  isCurrent: z.boolean().describe('Whether my session works there'),
});

export const organisation = z.strictObject({
  id,
  name: z.string(),
  isPersonal: z.boolean(),
  role: role.describe('My role here'),
  memberCount: z.int(),
  ownerCount: z.int(),
  sendsMail: z.boolean().describe('False: invitations by mail stay in the outbox of who runs the server; use links'),
  createdAt: timestamp,
});

export const member = z.strictObject({
  id: id.describe('The person'),
  name: z.string(),
  email: z.string(),
  pictureUrl: z.string().nullable().describe('Path of the picture'),
  role,
  joinedAt: timestamp,
  isMe: z.boolean(),
});

export const invitation = z.strictObject({
  id,
  role: givenRole,
  email: z.string().nullable().describe('Null for a link'),
  maxUses: z.int(),
  uses: z.int(),
  invitedBy: z.string().nullable().describe('Name of who invited'),
  createdAt: timestamp,
  sentAt: timestamp.nullable().describe('When the mail was last sent'),
  expiresAt: timestamp,
  isOpen: z.boolean().describe('False once it is over or used up'),
});

const expiresInDays = z.int().min(1).max(30).default(7);
const token = z.string().min(20).max(200).describe('What stands behind `#token=` in the link');
const memberParams = z.strictObject({ memberId: id });
const invitationParams = z.strictObject({ invitationId: id });
const acceptsOtherAddress = z
  .boolean()
  .default(false)
  .describe('Accept although the invitation was mailed to another address than mine');

/** openedInvitation is what a link tells whoever holds it. */
export const openedInvitation = z.strictObject({
  organisationName: z.string().nullable().describe('Null for an invitation to this server: an account and no more'),
  role: givenRole.nullable().describe('Role in the organisation; null without one'),
  email: z.string().nullable().describe('Address it was mailed to; null for a link'),
  invitedBy: z.string().nullable(),
  expiresAt: timestamp,
  me: z
    .strictObject({
      email: z.string(),
      isMember: z.boolean().describe('In the organisation, or here at all'),
      isInvitedAddress: z.boolean(),
    })
    .nullable()
    .describe('How it fits me; null when I am not signed in'),
});

const memberOperations = defineContract({
  'GET /members': {
    summary: 'Who belongs to the organisation',
    query: pageQuery.extend({ search: z.string().trim().max(200).optional().describe('Part of a name or address') }),
    response: page(member),
  },
  'PATCH /members/{memberId}': {
    summary: 'Change somebody’s role, at once and everywhere',
    params: memberParams,
    body: z.strictObject({ role: givenRole }),
    response: member,
  },
  'DELETE /members/{memberId}': {
    summary: 'Remove somebody; their sessions leave the organisation at once, and links they made stop working',
    params: memberParams,
  },
  'POST /members/{memberId}/make-owner': {
    summary: 'Make a member an owner, beside me or in my place; it takes effect at once',
    params: memberParams,
    body: z.strictObject({ remainOwner: z.boolean().describe('False: I become an admin') }),
    response: member,
  },
});

const invitationOperations = defineContract({
  'GET /invitations': { summary: 'Invitations, newest first', query: pageQuery, response: page(invitation) },
  'POST /invitations': {
    summary: 'Invite somebody by mail; the link works once',
    body: z.strictObject({
      email: z.email().max(254).toLowerCase().describe('E-mail address; case does not matter'),
      role: givenRole,
      expiresInDays,
    }),
    response: invitation,
    status: 201,
  },
  'POST /invitation-links': {
    summary: 'Make a link by which several people can join; it is shown this once',
    body: z.strictObject({ role: givenRole, maxUses: z.int().min(1).max(1000).default(10), expiresInDays }),
    response: z.strictObject({ invitation, token, url: z.string().describe('The link to pass on') }),
  },
  'POST /invitations/{invitationId}/resend': {
    summary: 'Mail an invitation again, with a new link and a new week; the old link stops working',
    params: invitationParams,
    response: invitation,
  },
  'DELETE /invitations/{invitationId}': { summary: 'Revoke an invitation', params: invitationParams },
  'POST /invitation/open': {
    summary: 'What an invitation offers',
    body: z.strictObject({ token }),
    response: openedInvitation,
  },
  'POST /invitation/accept': {
    summary: 'Join the organisation that invites me, and work there',
    body: z.strictObject({ token, acceptsOtherAddress }),
    response: organisationSummary,
  },
});

export const tenancyContract = defineContract({
  'GET /organisations': {
    summary: 'The organisations I belong to, oldest first',
    query: pageQuery,
    response: page(organisationSummary),
  },
  'POST /organisations': {
    summary: 'Create an organisation to share; I become its owner',
    body: z.strictObject({ name: organisationName }),
    response: organisationSummary,
    status: 201,
  },
  'POST /organisations/{organisationId}/switch': {
    summary: 'Let this session work in another organisation of mine',
    params: z.strictObject({ organisationId: id }),
    response: organisationSummary,
  },
  'GET /organisation': { summary: 'The organisation I work in', response: organisation },
  'PATCH /organisation': {
    summary: 'Rename the organisation',
    body: z.strictObject({ name: organisationName }),
    response: organisation,
  },
  'POST /organisation/leave': {
    summary: 'Leave the organisation; my sessions there go on in my own',
    response: z.strictObject({ organisationId: id.describe('Where this session works now') }),
  },
  ...memberOperations,
  ...invitationOperations,
});

export type OrganisationSummary = z.input<typeof organisationSummary>;
export type Organisation = z.input<typeof organisation>;
export type Member = z.input<typeof member>;
export type Invitation = z.input<typeof invitation>;
export type OpenedInvitation = z.input<typeof openedInvitation>;
export type GivenRole = z.input<typeof givenRole>;
