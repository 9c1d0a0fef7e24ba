/** How a person is told of a kind: their choice, else the kind's default; a way that does not exist is never taken. */
import type { Tx } from '#kernel/db';
import type { NotificationKind, Ways } from './types.ts';

interface ChoiceRow {
  readonly owner_id: string;
  readonly tenant_id: string;
  readonly kind: string;
  readonly in_app: boolean;
  readonly mail: boolean;
  readonly push: boolean;
}

/** Choices answers for whichever people it was read for. */
export interface Choices {
  waysFor(tenantId: string, userId: string, kind: NotificationKind): Ways;
}

/** readChoices reads the choices of these people in all their organisations that the transaction may see. */
export async function readChoices(tx: Tx, userIds: readonly string[]): Promise<Choices> {
  const rows = await tx.query<ChoiceRow>({
    name: 'notification-choices',
    text: `select owner_id, tenant_id, kind, in_app, mail, push from kernel.notification_choices
           where owner_id = any($1) and ($2::uuid is null or tenant_id = $2)`,
    values: [userIds, tx.scope?.tenantId ?? null],
  });
  const chosen = new Map(rows.map((row) => [`${row.tenant_id} ${row.owner_id} ${row.kind}`, row]));
  return {
    waysFor(tenantId, userId, { kind, defaults }) {
      const row = chosen.get(`${tenantId} ${userId} ${kind}`);
      return row ? { inApp: row.in_app, mail: row.mail, push: row.push } : defaults;
    },
  };
}

/** hiddenKinds lists the kinds that a person does not want in the app, for lists and counts. */
export async function hiddenKinds(
  tx: Tx,
  tenantId: string,
  userId: string,
  kinds: readonly NotificationKind[],
): Promise<string[]> {
  const choices = await readChoices(tx, [userId]);
  return kinds.filter((kind) => !choices.waysFor(tenantId, userId, kind).inApp).map(({ kind }) => kind);
}
