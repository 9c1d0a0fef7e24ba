/** The calls that ask for a deletion and take it back, and what the page and the banner know afterwards. */
import { notifications } from '@mantine/notifications';
import { useQueryClient } from '@tanstack/react-query';
import { useCall } from '../../api-hooks.ts';
import { accountDeletionQuery, organisationDeletionQuery, privacyApi } from './privacy-api.ts';

/** useKeepAccount takes the deletion of one's account back. */
export function useKeepAccount() {
  const queryClient = useQueryClient();
  return useCall(privacyApi, 'DELETE /account/deletion', {
    onSuccess: (state) => {
      queryClient.setQueryData(accountDeletionQuery.queryKey, state);
      if (state.deletion) notifications.show({ color: 'red', message: 'It is too late: the deletion has begun.' });
      else notifications.show({ message: 'Your account stays.' });
    },
  });
}

/** useKeepOrganisation takes the deletion of the current organisation back. */
export function useKeepOrganisation() {
  const queryClient = useQueryClient();
  return useCall(privacyApi, 'DELETE /organisation/deletion', {
    onSuccess: (state) => {
      queryClient.setQueryData(organisationDeletionQuery.queryKey, state);
      if (state.deletion) notifications.show({ color: 'red', message: 'It is too late: the deletion has begun.' });
      else notifications.show({ message: 'The organisation stays.' });
    },
  });
}
