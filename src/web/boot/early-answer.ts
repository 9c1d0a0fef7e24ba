/** What the page asked before its scripts were there: a script in index.html, written by the build, asks who is signed in. */

declare global {
  /** The answer to `GET /api/v1/session`, where the page is one for people who are signed in. */
  var bulkheadEarly: Promise<Response> | undefined;
}

/** takeEarlyAnswer gives the answer once: whoever asks again wants a new one. */
export function takeEarlyAnswer(method: string, url: string): Promise<Response> | undefined {
  if (method !== 'GET' || url !== '/api/v1/session') return undefined;
  const answer = globalThis.bulkheadEarly;
  globalThis.bulkheadEarly = undefined;
  return answer;
}
