/** People hear of what others did to their membership, in the app and as else they chose; in the act's own transaction. */
import type { Services } from '#kernel/app';
import type { Role } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import type { Joined } from './invitations.ts';
import { readRole, type LockedOrganization } from './membership.ts';

const kind = 'organization.membership';
type Notifier = Pick<Services, 'notifications'>;

/** tellNewRole tells somebody of the role that another gave them. */
export async function tellNewRole(
  { notifications }: Notifier,
  tx: Tx,
  { tenantId, name }: LockedOrganization,
  userId: string,
  role: Role,
): Promise<void> {
  const title = `Your role in ${name} is ${role} now`;
  await notifications.notify(tx, { tenantId, userId, kind, title, link: '/settings/organisation' });
}

/** tellRemoved tells somebody at home that they belong to an organisation no more. */
export async function tellRemoved(
  { notifications }: Notifier,
  tx: Tx,
  { name }: LockedOrganization,
  userId: string,
  home: string | null,
): Promise<void> {
  if (home === null) return; // nowhere to read it
  const title = `You do not belong to ${name} any more`;
  await notifications.notify(tx, { tenantId: home, userId, kind, title });
}

/** tellInviter tells who invited, while they belong there themselves, that somebody came. */
export async function tellInviter({ notifications }: Notifier, tx: Tx, joined: Joined, userId: string): Promise<void> {
  const { tenant_id: tenantId, created_by: inviter, organisation_name: organisation } = joined;
  if (!joined.isNew || inviter === null || inviter === userId) return;
  if ((await readRole(tx, tenantId, inviter)) === null) return;
  const [person] = await tx.query<{ name: string }>({
    text: 'select name from auth.users where id = $1',
    values: [userId],
  });
  const title = `${person?.name ?? 'Somebody'} joined ${organisation}`;
  const notice = { tenantId, userId: inviter, kind, title, link: '/settings/members', aboutUserId: userId };
  await notifications.notify(tx, notice);
}

/** tellOperator tells who invited somebody to the server, at home, that they came. */
export async function tellOperator(
  { notifications }: Notifier,
  tx: Tx,
  inviter: string,
  userId: string,
): Promise<void> {
  const [row] = await tx.query<{ name: string; home: string }>({
    text: `select u.name, o.id as home from auth.users u join auth.organizations o on o.personal_user_id = $1
           where u.id = $2`,
    values: [inviter, userId],
  });
  if (!row) return;
  const title = `${row.name} has an account here now`;
  const link = `/admin/people/${userId}`;
  await notifications.notify(tx, { tenantId: row.home, userId: inviter, kind, title, link, aboutUserId: userId });
}

/** tellInvited tells whoever has an account with the address, at home; the link is in the mail alone. */
export async function tellInvited(
  { notifications }: Notifier,
  tx: Tx,
  email: string,
  organisationName: string,
): Promise<void> {
  const [person] = await tx.query<{ id: string; tenant_id: string }>({
    text: `select u.id, o.id as tenant_id from auth.users u join auth.organizations o on o.personal_user_id = u.id
           where u.email = $1 and u.email_verified`,
    values: [email],
  });
  if (!person) return;
  const title = `You are invited to ${organisationName}`;
  const text = 'The invitation is in your mailbox; the link in it lets you join.';
  await notifications.notify(tx, { tenantId: person.tenant_id, userId: person.id, kind, title, text });
}
