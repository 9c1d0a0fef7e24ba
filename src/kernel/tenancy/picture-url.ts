/** pictureUrlOf is where a person's picture is found, or null; its address changes with the picture. */
import { isId } from '#kernel/ids';

/** pictureUrlOf takes `auth.users.image` as it is: text that an outside provider put there is no picture of ours. */
export function pictureUrlOf(userId: string, image: string | null): string | null {
  return image !== null && isId(image) ? `/api/v1/members/${userId}/picture?version=${image}` : null;
}
