import { expect, test } from 'vitest';
import { strangerKinds } from './strangers.ts';
import { runTenantFuzz } from './tenant-fuzz.ts';

/** The short form; `npm run prove` tries five times as often. */
test('[K3.4] 20,000 tries to reach another organisation by route, stream and table: no leak', async () => {
  const report = await runTenantFuzz({ tries: 20_000 });
  const { tries, overHttp, onTables, routes, tables, secrets, leaks, byStatus, byStranger, streams } = report;
  console.log(
    `cross-tenant fuzz: ${tries} tries (${overHttp} over ${routes} routes, ${onTables} on ${tables} tables), ` +
      `${streams} streams opened, ${leaks.length} leaks; by stranger ${JSON.stringify(byStranger)}; answers searched for ${secrets} ids and texts; by status ${JSON.stringify(byStatus)}`,
  );
  expect(leaks).toEqual([]);
  expect(tries).toBeGreaterThanOrEqual(20_000);
  expect(secrets).toBeGreaterThan(50);
  expect(streams).toBeGreaterThan(10);
  // Most of what points at the victim comes as far as the question whose it is, and no application is left out.
  expect(report.aimedByStatus['404'] ?? 0).toBeGreaterThan(300);
  expect(report.neverReached.filter((id) => id.startsWith('agents.'))).toEqual([]);
  expect(Object.keys(byStranger).toSorted()).toEqual(strangerKinds.toSorted());
}, 900_000);
