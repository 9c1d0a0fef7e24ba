/** What went wrong with a provider becomes one of our errors, so that nobody reads what a stranger wrote. */
import { AuthorizationResponseError } from 'openid-client';
import { isAppError, type AppError } from '#kernel/errors';
import { signOnErrors } from './errors.ts';
import { isAwayError } from './provider-fetch.ts';

const maxReasonLength = 300;

/** The standard's word for it, and Apple's. */
const isCancelled = (code: string) => code === 'access_denied' || code === 'user_cancelled_authorize';

/** toSignOnError maps a failure of a library or of the way out; the original is the cause, for the log. */
export function toSignOnError(error: unknown): AppError {
  if (isAppError(error) && error.code in signOnErrors.$table) return error;
  if (error instanceof AuthorizationResponseError && isCancelled(error.error))
    return signOnErrors.SIGN_ON_CANCELLED({ cause: error });
  if (isAwayError(error)) return signOnErrors.SIGN_ON_PROVIDER_AWAY({ cause: error, internal: reasonOf(error) });
  return signOnErrors.SIGN_ON_REFUSED({ cause: error, internal: reasonOf(error) });
}

/** reasonOf is the technical reason, for the log and for who set the connection up: never for the person at the door. */
export function reasonOf(error: unknown): string {
  const parts: string[] = [];
  for (let cause = error; cause instanceof Error && parts.length < 3; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    parts.push(
      typeof code === 'string' && !cause.message.includes(code) ? `${cause.message} (${code})` : cause.message,
    );
  }
  return (
    [...new Set(parts)]
      .join(': ')
      .replaceAll(/\p{Cc}+/gu, ' ')
      .slice(0, maxReasonLength) || 'unknown'
  );
}
