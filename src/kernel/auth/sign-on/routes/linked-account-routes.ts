/** Providers linked to one's own account: seen and unlinked here, linked by going there; the last way in stays. */
import { decodeCursor, encodeCursor } from '#kernel/contract';
import { kernelErrors } from '#kernel/errors';
import { defineRoute } from '#kernel/http';
import { isId } from '#kernel/ids';
import { authErrors } from '../../errors.ts';
import { readFactors } from '../../second-factors/factor-store.ts';
import { signOnContract } from '../contract.ts';
import { signOnErrors } from '../errors.ts';
import { isWayRequired } from '../mail-domain.ts';
import { listProviders } from '../providers.ts';

interface LinkRow {
  id: string;
  provider_id: string;
  connection_name: string | null;
  label: string | null;
  created_at: Date;
}

/** readIdCursor throws INVALID_REQUEST for what is no cursor of a list in the order of ids. */
export function readIdCursor(cursor: string | undefined): string | null {
  const [before] = cursor === undefined ? [null] : (decodeCursor(cursor) ?? []);
  if (before === null || isId(before)) return before;
  throw kernelErrors.INVALID_REQUEST({
    errors: [{ pointer: '/query/cursor', detail: 'is not a cursor of this list' }],
  });
}

export const listLinkedAccounts = defineRoute(signOnContract, 'GET /profile/linked-accounts', {
  id: 'auth.account.list',
  access: 'signed-in',
  limit: { name: 'auth.session-list', max: 120, windowSeconds: 60, by: 'user' },
  handler: async ({ services, principal, query }) => {
    const before = readIdCursor(query.cursor);
    const titles = new Map(listProviders(services.config).map(({ id, title }) => [id, title]));
    const rows = await services.db.withAuth((tx) =>
      tx.query<LinkRow>({
        name: 'auth-list-links',
        text: `select a.id, a.provider_id, c.name as connection_name, a.label, a.created_at from auth.accounts a
               left join auth.sso_connections c on c.id::text = a.provider_id
               where a.user_id = $1 and a.provider_id <> 'credential' and ($2::uuid is null or a.id < $2)
               order by a.id desc limit $3`,
        values: [principal.userId, before, query.limit + 1],
      }),
    );
    const shown = rows.slice(0, query.limit);
    const last = shown.at(-1);
    return {
      items: shown.map((row) => ({
        id: row.id,
        provider: row.provider_id,
        title: titles.get(row.provider_id) ?? row.connection_name ?? 'No longer offered',
        label: row.label,
        createdAt: row.created_at.toISOString(),
      })),
      nextCursor: rows.length > query.limit && last ? encodeCursor([last.id]) : null,
    };
  },
});

export const unlinkAccount = defineRoute(signOnContract, 'DELETE /profile/linked-accounts/{linkedAccountId}', {
  id: 'auth.account.unlink',
  access: 'signed-in',
  limit: { name: 'auth.settings', max: 20, windowSeconds: 3600, by: 'user' },
  stepUp: true,
  errors: ['LAST_WAY_IN', 'SIGN_ON_REQUIRED'],
  handler: async (ctx) => {
    const { principal, params, services } = ctx;
    await services.db.withAuth(async (tx) => {
      // Of two removals at once the second sees what the first has left.
      await tx.query({ text: 'select from auth.users where id = $1 for update', values: [principal.userId] });
      const [row] = await tx.query<{ provider_id: string }>({
        text: `delete from auth.accounts where id = $1 and user_id = $2 and provider_id <> 'credential' returning provider_id`,
        values: [params.linkedAccountId, principal.userId],
      });
      if (!row) throw kernelErrors.NOT_FOUND();
      if (await isWayRequired(tx, principal.userId, row.provider_id)) {
        throw signOnErrors.SIGN_ON_REQUIRED({
          detail: 'Your organisation insists on this way in. It cannot be unlinked.',
        });
      }
      const { hasPassword, passkeys, providers } = await readFactors(tx, principal.userId);
      if (!hasPassword && passkeys + providers === 0) throw authErrors.LAST_WAY_IN();
      await ctx.audit(tx, {
        action: 'auth.account.unlink',
        resource: `user:${principal.userId}`,
        details: { provider: row.provider_id },
      });
    });
  },
});
