/** What a model call may end in (K6.2): each says what the caller can do, and whether trying again may help. */
import { defineErrors } from '#kernel/errors';

export const llmErrors = defineErrors('llm', {
  MODEL_RATE_LIMITED: {
    status: 429,
    public: 'The model provider limits how often it may be asked. Try again a little later.',
    isRetryable: true,
  },
  MODEL_BAD_KEY: {
    status: 502,
    public: 'The model provider refuses the key. An administrator has to correct the model connection.',
  },
  MODEL_QUOTA_EXHAUSTED: {
    status: 502,
    public: 'The account with the model provider has no credit left. An administrator has to top it up.',
  },
  MODEL_BAD_REQUEST: { status: 502, public: 'The model provider does not accept this request.' },
  MODEL_CONTEXT_EXCEEDED: { status: 422, public: 'The conversation is longer than this model can read.' },
  MODEL_NOT_FOUND: { status: 502, public: 'The provider does not offer this model.' },
  MODEL_OVERLOADED: {
    status: 503,
    public: 'The model provider is overloaded or out of order. Try again shortly.',
    isRetryable: true,
  },
  MODEL_TIMEOUT: { status: 504, public: 'The model took too long to answer.', isRetryable: true },
  MODEL_UNREACHABLE: { status: 502, public: 'The model endpoint cannot be reached.', isRetryable: true },
  MODEL_ADDRESS_FORBIDDEN: {
    status: 400,
    public: 'The address of the model endpoint is private or local and not listed in MODEL_PRIVATE_NETWORKS.',
  },
  MODEL_REFUSED: { status: 422, public: 'The model provider refused to answer this, because of its content rules.' },
  MODEL_BAD_RESPONSE: {
    status: 502,
    public: 'What answers at the model endpoint does not speak the expected protocol.',
    isReportable: true,
  },
  MODEL_INTERRUPTED: { status: 502, public: 'The model broke off in the middle of its answer.', isRetryable: true },
  MODEL_ABORTED: { status: 503, public: 'The answer was stopped.' },
  MODEL_CONNECTION_NOT_FOUND: { status: 404, public: 'This model connection does not exist any more.' },
  MODEL_CONNECTION_NAME_TAKEN: { status: 409, public: 'Another model connection already has this name.' },
  MODEL_BASE_URL_REQUIRED: {
    status: 400,
    public: 'An OpenAI-compatible connection needs the address of its endpoint.',
  },
  MODEL_KEY_REQUIRED: {
    status: 400,
    public: 'The address points to another host now, so the key has to be entered again.',
  },
});
