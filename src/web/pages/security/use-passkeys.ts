/** The browser's side of passkeys: asks the device and gives the answer in the server's words; loaded on first use. */
import type { CallInput, CallOutput } from '../../api.ts';
import type { passkeysContract } from '../../../kernel/auth/passkeys/contract.ts';

type Operations = typeof passkeysContract;
export type PasskeyRequest = CallOutput<Operations['POST /auth/sign-in/passkey-options']>;
type Creation = CallOutput<Operations['POST /passkeys/options']>;
type Answer = CallInput<Operations['POST /auth/sign-in/passkey']>['body']['credential'];
type NewAnswer = CallInput<Operations['POST /passkeys']>['body']['credential'];

const load = () => import('@simplewebauthn/browser');

/** hasPasskeys tells whether this browser knows passkeys; on plain HTTP other than localhost none does. */
export function hasPasskeys(): boolean {
  return typeof globalThis.PublicKeyCredential === 'function';
}

/** isPasskeyHost tells whether passkeys bound to `host` can be used on this page. */
export function isPasskeyHost(host: string | null | undefined): boolean {
  return hasPasskeys() && host === globalThis.location.hostname;
}

/** PasskeyFailure is why the device gave no passkey, as a sentence to show. */
export class PasskeyFailure extends Error {
  /** True when the person, or the time, ended it: nothing to report. */
  readonly isCancelled: boolean;

  constructor(message: string, isCancelled: boolean, cause: unknown) {
    super(message, { cause });
    this.isCancelled = isCancelled;
  }
}

function explain(error: unknown): PasskeyFailure {
  const { name = '', cause } = (error ?? {}) as { name?: string; cause?: { name?: string } };
  switch (cause?.name ?? name) {
    case 'AbortError':
    case 'NotAllowedError':
      return new PasskeyFailure('No passkey was given: it was cancelled, or it took too long. Try again.', true, error);
    case 'InvalidStateError':
      return new PasskeyFailure('This device has a passkey of yours already.', false, error);
    case 'SecurityError':
      return new PasskeyFailure(
        'Passkeys do not work at this address. Come by the address of the server.',
        false,
        error,
      );
    default:
      return new PasskeyFailure('This browser or device could not use a passkey.', false, error);
  }
}

/** givePasskey has a passkey answer; `isAutofill` offers them in the name field and waits. Throws PasskeyFailure. */
export async function givePasskey(request: PasskeyRequest, { isAutofill = false } = {}): Promise<Answer> {
  const { startAuthentication } = await load();
  const optionsJSON = { ...request, allowCredentials: request.allowCredentials.map((one) => ({ ...one })) };
  try {
    const { id, response } = await startAuthentication({ optionsJSON, useBrowserAutofill: isAutofill });
    const { clientDataJSON, authenticatorData, signature, userHandle } = response;
    return { id, clientDataJSON, authenticatorData, signature, ...(userHandle ? { userHandle } : {}) };
  } catch (error) {
    throw explain(error);
  }
}

/** makePasskey has the device make one. Throws PasskeyFailure. */
export async function makePasskey(creation: Creation): Promise<NewAnswer> {
  const { startRegistration } = await load();
  try {
    const { id, response } = await startRegistration({ optionsJSON: creation });
    const { clientDataJSON, attestationObject, transports = [] } = response;
    return { id, clientDataJSON, attestationObject, transports };
  } catch (error) {
    throw explain(error);
  }
}

/** canAutofill tells whether this browser offers passkeys in the name field. */
export async function canAutofill(): Promise<boolean> {
  if (!hasPasskeys()) return false;
  const { browserSupportsWebAuthnAutofill } = await load();
  return browserSupportsWebAuthnAutofill();
}

/** stopAsking ends a question that waits in the name field, so that another can be asked. */
export async function stopAsking(): Promise<void> {
  const { WebAuthnAbortService } = await load();
  WebAuthnAbortService.cancelCeremony();
}
