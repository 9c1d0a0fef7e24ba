/** Failures of pages as problems with an id to quote. */
import { ApiProblem } from '../api.ts';

/** pageNotLoaded is the code of a page whose program could not be fetched. */
export const pageNotLoaded = 'PAGE_NOT_LOADED';

/** numbered gives an error of the page itself an id to quote; an ApiProblem already has the server's. */
export function numbered(error: unknown): ApiProblem {
  if (error instanceof ApiProblem) return error;
  const bytes = crypto.getRandomValues(new Uint8Array(4));
  const id = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const problem = new ApiProblem({
    code: 'PAGE_FAILED',
    detail: 'This page ran into an error of its own. Your data is safe on the server.',
    requestId: `web-${id}`,
  });
  problem.cause = error;
  return problem;
}

/** fetchStyled is fetchPage for what draws with more of Mantine than the shell and the first pages do. */
export async function fetchStyled<T>(load: () => Promise<T>): Promise<T> {
  const [module] = await fetchPage(() => Promise.all([load(), import('../theme/mantine-pages.css')]));
  return module;
}

/** fetchPage loads a page's program; that it did not come is told apart from what goes wrong in it. */
export async function fetchPage<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    if (!/dynamically imported module|importing a module|Unable to preload/i.test(String(error))) throw error;
    const problem = new ApiProblem({ code: pageNotLoaded, detail: 'This page could not be fetched.' });
    problem.cause = error;
    throw problem;
  }
}
