/** What may go wrong on the way out; none of these says more about the other side than its host. */
import { defineErrors } from '#kernel/errors';

export const outboundErrors = defineErrors('outbound', {
  OUTBOUND_URL_INVALID: { status: 400, public: 'This is not an http or https address that can be called.' },
  OUTBOUND_ADDRESS_FORBIDDEN: {
    status: 400,
    public: 'This address is private, local or reserved, and not on the list of private networks that may be reached.',
  },
  OUTBOUND_UNREACHABLE: { status: 502, public: 'The other server cannot be reached.', isRetryable: true },
  OUTBOUND_TIMEOUT: { status: 504, public: 'The other server took too long.', isRetryable: true },
  OUTBOUND_INTERRUPTED: { status: 502, public: 'The other server broke off its answer.', isRetryable: true },
  OUTBOUND_BAD_RESPONSE: { status: 502, public: 'The other server sent an answer that makes no sense.' },
  OUTBOUND_TOO_LARGE: { status: 502, public: 'The answer of the other server is larger than allowed.' },
  OUTBOUND_TOO_MANY_REDIRECTS: { status: 502, public: 'The other server redirects too often.' },
  OUTBOUND_ABORTED: { status: 503, public: 'The call was given up because nobody needs it any more.' },
});

/** OutboundPhase tells a caller how far a call had come when it timed out. */
export type OutboundPhase = 'connect' | 'headers' | 'idle' | 'total';

const phaseSentences: Readonly<Record<OutboundPhase, string>> = {
  connect: 'No connection to the other server within the time allowed.',
  headers: 'The other server accepted the request but did not begin to answer in time.',
  idle: 'The other server fell silent in the middle of its answer.',
  total: 'The answer of the other server took longer than allowed in all.',
};

/** timeoutError makes OUTBOUND_TIMEOUT with the phase as an extension. */
export function timeoutError(phase: OutboundPhase, cause?: unknown) {
  return outboundErrors.OUTBOUND_TIMEOUT({ detail: phaseSentences[phase], cause, extensions: { phase } });
}
