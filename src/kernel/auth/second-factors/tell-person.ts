/** Tells a person what happened to their account, in every way they chose; in the transaction of the act. */
import type { RequestContext } from '#kernel/http';
import type { Tx } from '#kernel/db';
import { chooseHome } from '../account-engine.ts';

export interface AccountNotice {
  /** One line. */
  readonly title: string;
  readonly text: string;
}

/** tellPerson notifies in the organisation where the person works, or will work next. */
export async function tellPerson(
  ctx: Pick<RequestContext, 'services' | 'principal'>,
  tx: Tx,
  userId: string,
  notice: AccountNotice,
): Promise<void> {
  const tenantId = ctx.principal?.userId === userId ? ctx.principal.tenantId : await chooseHome(tx)(userId);
  await ctx.services.notifications.notify(tx, {
    tenantId,
    userId,
    kind: 'account.security',
    ...notice,
    link: '/settings/security',
  });
}
