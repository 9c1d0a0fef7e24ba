/** Says what somebody may do now on whose behalf work goes on after the request: today's role, within the key's scopes. */
import type { Tx } from '#kernel/db';
import type { Role } from './principal.ts';

/** AbsentCaller is on whose behalf something is done while they are not there; `keyId` is the API key that asked for it. */
export interface AbsentCaller {
  readonly tenantId: string;
  readonly userId: string;
  readonly keyId: string | null;
}

export interface Standing {
  readonly role: Role;
  /** When there, nothing beyond these permissions. */
  readonly scopes: readonly string[] | null;
}

/** findStanding is null when the person is switched off or no member any more, or the key was revoked or has expired. */
export async function findStanding(
  tx: Tx,
  { tenantId, userId, keyId }: AbsentCaller,
  now: Date,
): Promise<Standing | null> {
  const [row] = await tx.last<Standing>({
    name: 'auth-find-standing',
    text: `select m.role, k.scopes
           from auth.members m
           join auth.users u on u.id = m.user_id and u.disabled_at is null
           left join auth.api_keys k on k.id = $3 and k.tenant_id = m.tenant_id and k.user_id = m.user_id
             and k.revoked_at is null and (k.expires_at is null or k.expires_at > $4)
           where m.tenant_id = $1 and m.user_id = $2 and ($3::uuid is null or k.id is not null)`,
    values: [tenantId, userId, keyId, now],
  });
  return row ?? null;
}
