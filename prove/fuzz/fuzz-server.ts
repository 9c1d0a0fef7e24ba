/** The server that a fuzz has to itself, and what there is to try on it. */
import { startTestServer, type TestServer } from '#testing/server';
import { apps } from '../../src/apps.ts';
import { listAuditActions } from '../../src/modules.ts';
import { kernelModules } from '../../src/modules.ts';
import { readOperations, type OpenApiDocument, type Operation } from './operations.ts';

/** A fuzz asks faster than people do: every limit that a route names is lifted. Limits have tests of their own. */
function roomyLimits(): string {
  const routes = [...kernelModules.routes, ...apps.flatMap((app) => app.routes)];
  return [...new Set(routes.map((route) => `${route.limit.name}=1000000/60`)), 'kernel.refused=1000000/60'].join(',');
}

/** startFuzzServer starts a server without limits; `await using` ends it. */
export function startFuzzServer(environment: Readonly<Record<string, string>> = {}): Promise<TestServer> {
  return startTestServer({ environment: { LIMITS: roomyLimits(), ...environment } });
}

/** publishedOperations reads what the server says it can do. */
export async function publishedOperations({ anonymous }: Pick<TestServer, 'anonymous'>): Promise<Operation[]> {
  const { json } = await anonymous.expect(200, 'GET /openapi.json');
  return readOperations(json as OpenApiDocument);
}

/** vocabulary are the words of the product itself, which everybody may read: what the audit trail calls acts. */
export const vocabulary = JSON.stringify(listAuditActions(apps));
