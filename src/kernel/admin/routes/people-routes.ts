/** Routes about accounts: who there is, switching off and on, signing out, new passwords, and who else runs the server. */
import { endAccess, sendPasswordReset } from '#kernel/auth';
import type { Tx } from '#kernel/db';
import { kernelErrors } from '#kernel/errors';
import { defineRoute, readIdCursor, toIdPage, type Limit, type Route, type SignedInContext } from '#kernel/http';
import { auditAct } from '../audit-act.ts';
import { adminContract, type PersonSummary } from '../contract.ts';
import { adminErrors } from '../errors.ts';
import {
  findPerson,
  homeOf,
  listMemberships,
  listPeople,
  readMeans,
  toPerson,
  type PersonRow,
} from '../people-store.ts';
import { searchPattern } from '../search-pattern.ts';

const readLimit: Limit = { name: 'admin.read', max: 600, windowSeconds: 60, by: 'user' };
const writeLimit: Limit = { name: 'admin.write', max: 120, windowSeconds: 3_600, by: 'user' };

const list = defineRoute(adminContract, 'GET /admin/people', {
  id: 'admin.people.list',
  access: 'operator',
  limit: readLimit,
  async handler({ principal, query, services }) {
    const filter = {
      pattern: searchPattern(query.search),
      only: query.only ?? null,
      before: readIdCursor(query.cursor),
      limit: query.limit + 1,
    };
    const rows = await services.db.withAuth((tx) => listPeople(tx, filter));
    return toIdPage(rows, query.limit, (row) => toPerson(row, principal.userId));
  },
});

const read = defineRoute(adminContract, 'GET /admin/people/{personId}', {
  id: 'admin.people.read',
  access: 'operator',
  limit: readLimit,
  handler: ({ params: { personId }, principal, services }) =>
    services.db.withAuth(async (tx) => {
      const row = await findPerson(tx, personId);
      if (!row) throw kernelErrors.NOT_FOUND();
      const organisations = await listMemberships(tx, personId);
      return {
        ...toPerson(row, principal.userId),
        username: row.username,
        organisations: organisations.map(({ is_personal: isPersonal, ...rest }) => ({ ...rest, isPersonal })),
        means: await readMeans(tx, personId),
      };
    }),
});

/** Act is what is done to an account; its result says what to write down. */
type Act = (
  tx: Tx,
  person: PersonRow,
) => Promise<{ readonly action: string; readonly details?: Record<string, boolean | number> }>;

/**
 * changePerson holds the accounts of everybody who runs the server while it acts, so that two operators never put each other
 * out at the same moment, and looks again whether the caller still is one.
 */
async function changePerson(ctx: SignedInContext, personId: string, act: Act): Promise<PersonSummary> {
  const { principal, services } = ctx;
  const changed = await services.db.withAuth(async (tx) => {
    const operators = await tx.query<{ id: string }>({
      text: `select id from auth.users where (is_operator and disabled_at is null) or id = $1 order by id for update`,
      values: [personId],
    });
    const me = await findPerson(tx, principal.userId);
    if (!me?.is_operator || me.disabled_at) throw kernelErrors.FORBIDDEN();
    const person = operators.length > 0 ? await findPerson(tx, personId) : null;
    if (!person) throw kernelErrors.NOT_FOUND();
    const { action, details } = await act(tx, person);
    const after = (await findPerson(tx, personId)) ?? person;
    const entry = { action, resource: `user:${personId}`, ...(details ? { details } : {}) };
    await auditAct(ctx, tx, await homeOf(tx, personId), entry);
    return after;
  });
  services.identity.forget(`user:${personId}`);
  return toPerson(changed, principal.userId);
}

const setState = defineRoute(adminContract, 'PUT /admin/people/{personId}/state', {
  id: 'admin.people.set-state',
  access: 'operator',
  stepUp: true,
  limit: writeLimit,
  errors: ['NOT_YOURSELF'],
  handler(ctx) {
    const { isDisabled } = ctx.body;
    const me = ctx.principal.userId;
    return changePerson(ctx as unknown as SignedInContext, ctx.params.personId, async (tx, person) => {
      if (person.id === me) throw adminErrors.NOT_YOURSELF();
      await tx.query({
        text: `update auth.users set disabled_at = case when $2 then coalesce(disabled_at, now()) end, updated_at = now()
               where id = $1`,
        values: [person.id, isDisabled],
      });
      const sessions = isDisabled ? await endAccess(tx, person.id) : 0;
      return { action: isDisabled ? 'admin.people.disable' : 'admin.people.enable', details: { sessions } };
    });
  },
});

const setOperator = defineRoute(adminContract, 'PUT /admin/people/{personId}/operator', {
  id: 'admin.people.set-operator',
  access: 'operator',
  stepUp: true,
  limit: writeLimit,
  errors: ['LAST_OPERATOR', 'ACCOUNT_DISABLED'],
  handler(ctx) {
    const { isOperator } = ctx.body;
    const { identity, notifications } = ctx.services;
    return changePerson(ctx as unknown as SignedInContext, ctx.params.personId, async (tx, person) => {
      if (isOperator && person.disabled_at) throw adminErrors.ACCOUNT_DISABLED();
      const [others] = await tx.query<{ count: number }>({
        // Who asked to be deleted will not be here to run it.
        text: `select count(*)::int as count from auth.users u where is_operator and disabled_at is null and id <> $1
               and not exists (select from kernel.erasures e where e.kind = 'person' and e.subject_id = u.id)`,
        values: [person.id],
      });
      if (!isOperator && (others?.count ?? 0) === 0) throw adminErrors.LAST_OPERATOR();
      await tx.query({
        text: 'update auth.users set is_operator = $2, updated_at = now() where id = $1',
        values: [person.id, isOperator],
      });
      await identity.announce(tx, `user:${person.id}`);
      const home = await homeOf(tx, person.id);
      if (home !== null && person.is_operator !== isOperator) {
        const title = isOperator ? 'You run this server now' : 'You do not run this server any more';
        await notifications.notify(tx, { tenantId: home, userId: person.id, kind: 'account.security', title });
      }
      return { action: 'admin.people.set-operator', details: { isOperator } };
    });
  },
});

const endSessions = defineRoute(adminContract, 'POST /admin/people/{personId}/end-sessions', {
  id: 'admin.people.end-sessions',
  access: 'operator',
  limit: writeLimit,
  async handler(ctx) {
    let ended = 0;
    await changePerson(ctx as unknown as SignedInContext, ctx.params.personId, async (tx, person) => {
      ended = await endAccess(tx, person.id);
      return { action: 'admin.people.end-sessions', details: { ended } };
    });
    return { ended };
  },
});

const resetPassword = defineRoute(adminContract, 'POST /admin/people/{personId}/password-reset', {
  id: 'admin.people.reset-password',
  access: 'operator',
  limit: writeLimit,
  errors: ['ACCOUNT_DISABLED'],
  async handler(ctx) {
    await changePerson(ctx as unknown as SignedInContext, ctx.params.personId, async (tx, person) => {
      if (person.disabled_at) throw adminErrors.ACCOUNT_DISABLED();
      await sendPasswordReset(ctx, tx, person);
      return { action: 'admin.people.reset-password' };
    });
  },
});

export const peopleRoutes: readonly Route[] = [list, read, setState, setOperator, endSessions, resetPassword];
