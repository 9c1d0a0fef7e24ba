/** Every failed call becomes one ApiProblem: a sentence to show, an id to report, and whether trying again may help. */
import type { Problem, ProblemIssue } from '#kernel/errors';

interface ProblemInit {
  readonly status?: number;
  readonly code: string;
  readonly title?: string;
  readonly detail?: string;
  readonly requestId?: string;
  readonly isRetryable?: boolean;
  readonly errors?: readonly ProblemIssue[];
  readonly retryAfterSeconds?: number | null;
}

/** ApiProblem is a problem document (RFC 9457) as an Error: `message` is for people, `status` 0 means "no answer". */
export class ApiProblem extends Error {
  readonly status: number;
  readonly code: string;
  /** Find it in the server's log with this id; '' when no server answered. */
  readonly requestId: string;
  readonly isRetryable: boolean;
  readonly issues: readonly ProblemIssue[];
  readonly retryAfterSeconds: number | null;
  /** The whole document, with the extensions of its code. */
  readonly document: Readonly<Record<string, unknown>>;

  constructor(init: ProblemInit) {
    super(forPeople(init.detail ?? init.title ?? 'Something went wrong.'));
    this.name = 'ApiProblem';
    this.status = init.status ?? 0;
    this.code = init.code;
    this.requestId = init.requestId ?? '';
    this.isRetryable = init.isRetryable ?? false;
    this.issues = init.errors ?? [];
    this.retryAfterSeconds = init.retryAfterSeconds ?? null;
    this.document = { ...init };
  }

  /** fieldErrors maps the issues of a JSON body to form paths: `/body/model/name` becomes `model.name`. */
  fieldErrors(): Record<string, string> {
    const fields: Record<string, string> = {};
    for (const issue of this.issues) {
      const [place, ...path] = issue.pointer.split('/').slice(1).map(decodePointer);
      if (place === 'body' && path.length > 0) fields[path.join('.')] ??= issue.detail;
    }
    return fields;
  }
}

/** A sentence that points at a member of the document is for programs: people see its issues at the fields. */
function forPeople(text: string): string {
  return text.replace(/ See `errors`[^.]*\./, '');
}

function decodePointer(part: string): string {
  return part.replaceAll('~1', '/').replaceAll('~0', '~');
}

/** networkProblem is the ApiProblem of a call that got no answer. */
export function networkProblem(cause: unknown): ApiProblem {
  const problem = new ApiProblem({
    code: 'UNREACHABLE',
    status: 0,
    detail: 'The server cannot be reached. Check your connection and try again; what you typed is kept.',
    isRetryable: true,
  });
  problem.cause = cause;
  return problem;
}

/** toProblem reads the problem of an answer that is not 2xx; any other body (a proxy's page) gets a sentence of ours. */
export async function toProblem(response: Response): Promise<ApiProblem> {
  return parseProblem(response.status, await response.text().catch(() => ''), response.headers.get('retry-after'));
}

/** parseProblem is toProblem for those who have status, body and Retry-After apart (XMLHttpRequest). */
export function parseProblem(status: number, body: string, retryAfter: string | null): ApiProblem {
  const seconds = Number.parseInt(retryAfter ?? '', 10);
  const retryAfterSeconds = Number.isNaN(seconds) ? null : seconds;
  try {
    const document = JSON.parse(body) as Problem;
    if (typeof document.code === 'string') return new ApiProblem({ ...document, retryAfterSeconds });
  } catch {
    // not JSON: described by its status below
  }
  return new ApiProblem({
    status,
    code: `HTTP_${status}`,
    detail: [502, 503, 504].includes(status)
      ? 'The server is starting or very busy. Try again in a moment.'
      : `The server answered ${status} without an explanation.`,
    isRetryable: status >= 500 || status === 429,
    retryAfterSeconds,
  });
}

/** asProblem turns anything thrown into an ApiProblem, so that every error can be shown the same way. */
export function asProblem(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const problem = new ApiProblem({ code: 'PAGE_FAILED', detail: 'This page ran into an error of its own.' });
  problem.cause = error;
  return problem;
}

/** isAborted tells a call that its caller gave up from one that failed. */
export function isAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}
