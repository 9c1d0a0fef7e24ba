/** Follows a verification of the chain to its verdict; an answer that breaks off before it is a failure, never a verdict. */
import { createParser } from 'eventsource-parser';
import { networkProblem, toProblem } from '../../api-problem.ts';
import { apiRoot, placeHeaders } from '../../api.ts';
import type { Verdict } from './audit-api.ts';

export interface Progress {
  readonly checked: number;
  readonly total: number;
}

/** followVerification resolves to the verdict. Throws ApiProblem when refused or broken off. */
export async function followVerification(
  onProgress: (progress: Progress) => void,
  signal: AbortSignal,
): Promise<Verdict> {
  let verdict: Verdict | null = null;
  const parser = createParser({
    onEvent({ event, data }) {
      if (event === 'progress') onProgress(JSON.parse(data) as Progress);
      if (event === 'done') verdict = JSON.parse(data) as Verdict;
    },
  });
  let response: Response;
  try {
    response = await fetch(`${apiRoot}/audit-records/verification`, {
      headers: { accept: 'text/event-stream', ...placeHeaders() },
      signal,
      cache: 'no-store',
    });
  } catch (error) {
    throw networkProblem(error);
  }
  if (!response.ok || !response.body) throw await toProblem(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      parser.feed(value);
    }
  } catch (error) {
    throw networkProblem(error);
  }
  if (!verdict) throw networkProblem(new Error('the verification broke off'));
  return verdict;
}
