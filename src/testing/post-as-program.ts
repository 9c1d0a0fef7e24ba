/** A phone or program asks without what only browsers send: no cookie, no Origin, no Sec-Fetch-Site. */
import type { Answer } from './client.ts';

/** ProgramAnswer is what came back. `json` is `any`, because what a test expects of it is its type. */
export interface ProgramAnswer {
  readonly status: number;
  readonly json: Answer['json'];
}

/** postAsProgram sends JSON to a path under /api/v1 of the server at `url`. */
export async function postAsProgram(url: string, path: string, body: unknown): Promise<ProgramAnswer> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${url}/api/v1${path}`, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: answer.status, json: await answer.json() };
}
