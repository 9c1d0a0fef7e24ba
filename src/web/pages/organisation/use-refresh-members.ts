/** After a change of membership the list, the organisation and one's own rights are read anew. */
import { useQueryClient } from '@tanstack/react-query';
import { keyOf } from '../../api-hooks.ts';
import type { ItemOf } from '../../api.ts';
import type { tenancyContract } from '../../../kernel/tenancy/contract.ts';
import { sessionQuery } from '../../session.ts';

export type MemberRow = ItemOf<(typeof tenancyContract)['GET /members']>;

/** useRefreshMembers reads anew who is here, and what oneself may do. */
export function useRefreshMembers(): () => Promise<void> {
  const queryClient = useQueryClient();
  return async () => {
    await queryClient.invalidateQueries({ queryKey: keyOf('GET /members') });
    await queryClient.invalidateQueries({ queryKey: keyOf('GET /organisation') });
    await queryClient.invalidateQueries({ queryKey: sessionQuery.queryKey });
  };
}
