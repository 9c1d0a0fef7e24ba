/** Every failure a caller can see is declared in a table once: code, status and public sentence live nowhere else. */

/** ErrorDefinition is one row of a module's error table. */
export interface ErrorDefinition {
  /** HTTP status of the answer. */
  readonly status: number;
  /** The sentence a person reads; never holds internals. */
  readonly public: string;
  /** True when trying again, unchanged, may help. */
  readonly isRetryable?: boolean;
  /** True when an operator should hear of it (logged as error, counted). */
  readonly isReportable?: boolean;
}

export type ErrorTable = Readonly<Record<string, ErrorDefinition>>;

/** ProblemIssue says what is wrong with one place of the input; `pointer` is a JSON pointer such as `/body/name`. */
export interface ProblemIssue {
  readonly pointer: string;
  readonly detail: string;
}

/** Problem is an RFC 9457 problem document with the extensions every answer of ours carries. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly requestId: string;
  readonly isRetryable: boolean;
  readonly errors?: readonly ProblemIssue[];
  readonly [extension: string]: unknown;
}

export interface AppErrorOptions {
  /** Replaces the table's public sentence when the case has something more useful to say. */
  readonly detail?: string;
  /** For the log only. */
  readonly internal?: string;
  readonly cause?: unknown;
  readonly errors?: readonly ProblemIssue[];
  /** Whole seconds after which a retry makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** More members of the problem document. */
  readonly extensions?: Readonly<Record<string, unknown>>;
}

/** AppError is an expected failure: the HTTP mapper turns it into a problem; anything else becomes a 500. */
export class AppError extends Error {
  readonly code: string;
  readonly definition: ErrorDefinition;
  readonly options: AppErrorOptions;

  constructor(code: string, definition: ErrorDefinition, options: AppErrorOptions = {}) {
    super(options.internal ?? options.detail ?? definition.public, { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.definition = definition;
    this.options = options;
  }

  get status(): number {
    return this.definition.status;
  }

  get isRetryable(): boolean {
    return this.definition.isRetryable ?? false;
  }
}

export function isAppError(error: unknown): error is AppError {
  return error instanceof AppError;
}

/** Every table by module, for the generated reference and its drift test. */
const tables = new Map<string, ErrorTable>();

/**
 * defineErrors declares a module's errors and returns one factory per code:
 * `throw agentsErrors.AGENT_NOT_FOUND()`. Codes are unique across the server.
 */
export function defineErrors<const T extends ErrorTable>(
  module: string,
  table: T,
): { readonly [K in keyof T & string]: (options?: AppErrorOptions) => AppError } & { readonly $table: T } {
  for (const [otherModule, other] of tables) {
    const clash = otherModule !== module && Object.keys(table).find((code) => code in other);
    if (clash) throw new Error(`error code ${clash} of ${module} is already declared by ${otherModule}`);
  }
  tables.set(module, table);
  const factories: Record<string, unknown> = { $table: table };
  for (const [code, definition] of Object.entries(table)) {
    factories[code] = (options?: AppErrorOptions) => new AppError(code, definition, options);
  }
  return factories as ReturnType<typeof defineErrors<T>>;
}

/** listErrorTables returns every declared table by module, for the reference page. */
export function listErrorTables(): ReadonlyMap<string, ErrorTable> {
  return tables;
}

/** kernelErrors are the answers any route may give. */
export const kernelErrors = defineErrors('kernel', {
  INVALID_REQUEST: { status: 400, public: 'The request is not well formed. See `errors` for each problem.' },
  UNAUTHENTICATED: { status: 401, public: 'Sign in first.' },
  FORBIDDEN: { status: 403, public: 'You may not do this.' },
  STEP_UP_REQUIRED: {
    status: 403,
    public: 'Show again that it is you: this change asks for a recent password or passkey.',
  },
  FEATURE_OFF: {
    status: 403,
    public: 'This is switched off for your organisation. Who runs the server can switch it on.',
  },
  CROSS_SITE_REFUSED: { status: 403, public: 'This request came from another site and was refused.' },
  NOT_FOUND: { status: 404, public: 'There is nothing here, or you may not see it.' },
  METHOD_NOT_ALLOWED: { status: 405, public: 'This address does not answer that method.' },
  NOT_ACCEPTABLE: { status: 406, public: 'None of the accepted formats is offered here.' },
  CONFLICT: { status: 409, public: 'The state changed meanwhile. Reload and try again.' },
  PAYLOAD_TOO_LARGE: { status: 413, public: 'The request is too large.' },
  UNSUPPORTED_MEDIA_TYPE: { status: 415, public: 'This content type is not accepted here. Send application/json.' },
  RATE_LIMITED: { status: 429, public: 'Too many requests. Wait a little and try again.', isRetryable: true },
  REQUEST_TIMEOUT: { status: 408, public: 'The request took too long to arrive.', isRetryable: true },
  INTERNAL: {
    status: 500,
    public: 'Something went wrong on our side. The error id helps to find it.',
    isReportable: true,
  },
  UNAVAILABLE: { status: 503, public: 'The server is busy or starting. Try again shortly.', isRetryable: true },
});

/** toProblem renders any thrown value as a problem; what is not an AppError shows nothing of itself. */
export function toProblem(error: unknown, requestId: string): Problem {
  const known = isAppError(error) ? error : kernelErrors.INTERNAL({ cause: error });
  const { detail, errors, extensions } = known.options;
  return {
    // First, so that no extension can take the place of a standard member.
    ...extensions,
    type: `/reference/errors#${known.code}`,
    title: known.definition.public,
    status: known.status,
    detail: detail ?? known.definition.public,
    code: known.code,
    requestId,
    isRetryable: known.isRetryable,
    ...(errors ? { errors } : {}),
  };
}
