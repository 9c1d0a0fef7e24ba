/**
 * Invitations to an organisation or to the server: known by the hash of their token alone, accepted as often as they allow
 * and not once more, however many people press the button at the same moment (K3.1).
 */
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { Tx } from '#kernel/db';
import { newId } from '#kernel/ids';
import type { GivenRole, Invitation } from './contract.ts';
import { tenancyErrors } from './errors.ts';

/** newInvitationToken is 256 random bits. */
export function newInvitationToken(): string {
  return randomBytes(32).toString('base64url');
}

/** hashOf is the form in which tokens are stored: their length makes a slow hash needless. */
function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64url');
}

export interface InvitationRow {
  readonly id: string;
  /** Null for an invitation to the server. */
  readonly role: GivenRole | null;
  readonly email: string | null;
  readonly max_uses: number;
  readonly uses: number;
  readonly invited_by: string | null;
  readonly created_at: Date;
  readonly sent_at: Date | null;
  readonly expires_at: Date;
  readonly is_open: boolean;
}

/** toServerInvitation shows an invitation without what concerns an organisation; there is no token in it. */
export function toServerInvitation(row: InvitationRow): Omit<Invitation, 'role'> {
  const { id, email, uses } = row;
  return {
    id,
    email,
    uses,
    maxUses: row.max_uses,
    invitedBy: row.invited_by,
    createdAt: row.created_at.toISOString(),
    sentAt: row.sent_at?.toISOString() ?? null,
    expiresAt: row.expires_at.toISOString(),
    isOpen: row.is_open,
  };
}

/** toInvitation shows an invitation to an organisation; there is no token in it. */
export function toInvitation(row: InvitationRow): Invitation {
  const { role } = row;
  assert(role !== null, 'an invitation to an organisation gives a role in it');
  return { ...toServerInvitation(row), role };
}

/**
 * Whether an invitation `i` by the person `u` still counts. A link may be known to who made it, so it counts only while
 * they might make it anew; what was mailed, while its sender's account is not switched off.
 */
const counts = `i.expires_at > now() and i.uses < i.max_uses and u.disabled_at is null
  and (i.email is not null or case when i.tenant_id is null then coalesce(u.is_operator, false)
    else exists (select from auth.members m where m.tenant_id = i.tenant_id and m.user_id = i.created_by
      and (m.role = 'owner' or m.role = 'admin' and i.role <> 'admin')) end)`;

const columns = `i.id, i.role, i.email, i.max_uses, i.uses, u.name as invited_by, i.created_at, i.sent_at, i.expires_at,
  ${counts} as is_open`;

/** isOf is the condition on the invitations of organisation $1, or of the server where it is null. */
const isOf = '(i.tenant_id = $1 or ($1::uuid is null and i.tenant_id is null))';

/** listInvitations reads those of an organisation, or of the server (null), newest first, also what is over, so that it can be sent again. */
export function listInvitations(
  tx: Tx,
  tenantId: string | null,
  before: string | null,
  limit: number,
): Promise<InvitationRow[]> {
  return tx.query<InvitationRow>({
    text: `select ${columns} from auth.invitations i left join auth.users u on u.id = i.created_by
           where ${isOf} and ($2::uuid is null or i.id < $2) order by i.id desc limit $3`,
    values: [tenantId, before, limit],
  });
}

/** findInvitation finds one of an organisation, or of the server (null), or null. */
export async function findInvitation(tx: Tx, tenantId: string | null, id: string): Promise<InvitationRow | null> {
  const [row] = await tx.query<InvitationRow>({
    text: `select ${columns} from auth.invitations i left join auth.users u on u.id = i.created_by
           where ${isOf} and i.id = $2`,
    values: [tenantId, id],
  });
  return row ?? null;
}

/** Inviter is who invites, and to which organisation; null to the server alone. */
export interface Inviter {
  readonly tenantId: string | null;
  readonly userId: string;
}

export interface NewInvitation {
  /** Null without an organisation. */
  readonly role: GivenRole | null;
  /** Null for a link. */
  readonly email: string | null;
  readonly maxUses: number;
  readonly expiresInDays: number;
  readonly token: string;
}

/** insertInvitation returns the id. Throws ALREADY_MEMBER and INVITATION_EXISTS, which both concern this organisation alone. */
export async function insertInvitation(tx: Tx, by: Inviter, invitation: NewInvitation): Promise<string> {
  const { role, email, maxUses, expiresInDays, token } = invitation;
  if (email !== null) {
    const known = await tx.query({
      text: `select 1 from auth.members m join auth.users u on u.id = m.user_id where m.tenant_id = $1 and u.email = $2`,
      values: [by.tenantId, email],
    });
    if (known.length > 0) throw tenancyErrors.ALREADY_MEMBER();
  }
  const [row] = await tx.query<{ id: string }>({
    text: `insert into auth.invitations (tenant_id, id, role, email, token_hash, max_uses, created_by, sent_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7, case when $4::text is null then null else now() end, now() + make_interval(days => $8))
           on conflict do nothing returning id`,
    values: [by.tenantId, newId(), role, email, hashOf(token), maxUses, by.userId, expiresInDays],
  });
  if (!row) throw tenancyErrors.INVITATION_EXISTS();
  return row.id;
}

/** renewInvitation gives a mailed invitation a new token and a new week. */
export async function renewInvitation(tx: Tx, tenantId: string | null, id: string, token: string): Promise<void> {
  await tx.query({
    text: `update auth.invitations i set token_hash = $3, sent_at = now(), expires_at = now() + interval '7 days'
           where ${isOf} and i.id = $2`,
    values: [tenantId, id, hashOf(token)],
  });
}

/** deleteInvitation returns false when there is none. */
export async function deleteInvitation(tx: Tx, tenantId: string | null, id: string): Promise<boolean> {
  const rows = await tx.query({
    text: `delete from auth.invitations i where ${isOf} and i.id = $2 returning id`,
    values: [tenantId, id],
  });
  return rows.length > 0;
}

/** OfferedInvitation is an open invitation with what it invites to. */
export interface OfferedInvitation {
  readonly id: string;
  /** Null, as the organisation's name and the role, for an invitation to the server. */
  readonly tenant_id: string | null;
  readonly organisation_name: string | null;
  readonly role: GivenRole | null;
  readonly email: string | null;
  readonly invited_by: string | null;
  readonly created_by: string | null;
  readonly expires_at: Date;
}

const offeredSql = `select i.id, i.tenant_id, o.name as organisation_name, i.role, i.email, u.name as invited_by,
  i.created_by, i.expires_at
  from auth.invitations i left join auth.organizations o on o.id = i.tenant_id left join auth.users u on u.id = i.created_by
  where i.token_hash = $1 and ${counts}`;

/** findOffer finds the open invitation of a token, or null: used, revoked, over and made up are one answer. */
export async function findOffer(tx: Tx, token: string): Promise<OfferedInvitation | null> {
  const [row] = await tx.query<OfferedInvitation>({ text: offeredSql, values: [hashOf(token)] });
  return row ?? null;
}

export interface Joining {
  readonly userId: string;
  readonly token: string;
  readonly acceptsOtherAddress: boolean;
}

export interface Joined extends OfferedInvitation {
  readonly tenant_id: string;
  readonly organisation_name: string;
  readonly role: GivenRole;
  /** False for who belonged already; the invitation is then left as it was. */
  readonly isNew: boolean;
}

interface HeldOffer {
  readonly offer: OfferedInvitation;
  /** The invitation was mailed to the person's own address: whoever read it there has proved the address. */
  readonly isProof: boolean;
}

/** holdOffer finds the open invitation and keeps it from others. Throws INVITATION_INVALID and INVITATION_FOR_ANOTHER_ADDRESS. */
async function holdOffer(tx: Tx, { acceptsOtherAddress, token, userId }: Joining): Promise<HeldOffer> {
  const [offer] = await tx.query<OfferedInvitation>({ text: `${offeredSql} for update of i`, values: [hashOf(token)] });
  if (!offer) throw tenancyErrors.INVITATION_INVALID();
  const [person] = await tx.query<{ email: string }>({
    text: 'select email from auth.users where id = $1',
    values: [userId],
  });
  const isInvitedAddress = offer.email === null || offer.email === person?.email;
  if (!isInvitedAddress && !acceptsOtherAddress) {
    throw tenancyErrors.INVITATION_FOR_ANOTHER_ADDRESS({ extensions: { invitedAddress: offer.email } });
  }
  return { offer, isProof: offer.email !== null && isInvitedAddress };
}

/** useUp counts a use, and keeps that the address is proved. */
async function useUp(tx: Tx, { isProof, offer }: HeldOffer, userId: string): Promise<void> {
  const text =
    offer.email === null
      ? 'update auth.invitations set uses = uses + 1 where id = $1'
      : 'delete from auth.invitations where id = $1';
  await tx.query({ text, values: [offer.id] });
  if (!isProof) return;
  await tx.query({
    text: 'update auth.users set email_verified = true where id = $1 and not email_verified',
    values: [userId],
  });
}

/**
 * joinByInvitation makes somebody a member. A mailed invitation, which only the reader of that mailbox knows, proves
 * the address of an account that has the same one. Throws INVITATION_INVALID, INVITATION_FOR_ANOTHER_ADDRESS, and
 * INVITATION_FOR_NEWCOMERS for an invitation to the server, which is of no use to who has an account.
 */
export async function joinByInvitation(tx: Tx, joining: Joining): Promise<Joined> {
  const held = await holdOffer(tx, joining);
  const { organisation_name, role, tenant_id, ...offer } = held.offer;
  if (tenant_id === null || role === null || organisation_name === null) throw tenancyErrors.INVITATION_FOR_NEWCOMERS();
  const inserted = await tx.query({
    text: `insert into auth.members (tenant_id, user_id, role) values ($1, $2, $3) on conflict do nothing returning user_id`,
    values: [tenant_id, joining.userId, role],
  });
  const isNew = inserted.length > 0;
  if (isNew) await useUp(tx, held, joining.userId);
  return { ...offer, organisation_name, role, tenant_id, isNew };
}

/** enterByInvitation uses an invitation to the server for the account made in this transaction; null when it is to an organisation. */
export async function enterByInvitation(tx: Tx, entering: Joining): Promise<OfferedInvitation | null> {
  const held = await holdOffer(tx, entering);
  if (held.offer.tenant_id !== null) return null;
  await useUp(tx, held, entering.userId);
  return held.offer;
}

/** isInvited says whether an open invitation was mailed to the address. */
export async function isInvited(tx: Tx, email: string): Promise<boolean> {
  const rows = await tx.query({
    text: `select from auth.invitations i left join auth.users u on u.id = i.created_by
           where i.email = $1 and ${counts} limit 1`,
    values: [email],
  });
  return rows.length > 0;
}

/**
 * useServerInvitations uses up the mailed invitations to the server of somebody who came in another way and whose address
 * was proved there. Returns who sent them. Those to organisations stay: their role is taken by opening the link.
 */
export async function useServerInvitations(tx: Tx, email: string): Promise<readonly string[]> {
  const rows = await tx.query<{ created_by: string | null }>({
    text: 'delete from auth.invitations where tenant_id is null and email = $1 returning created_by',
    values: [email],
  });
  return [...new Set(rows.flatMap(({ created_by: by }) => by ?? []))];
}
