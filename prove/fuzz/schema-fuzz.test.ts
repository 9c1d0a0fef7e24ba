import { expect, test } from 'vitest';
import { runSchemaFuzz } from './schema-fuzz.ts';

/** The short form; `npm run prove` sends five times as many. */
test('[K5.1] [K17.1] 20,000 requests from the published document: no server error, and every answer is a declared one', async () => {
  const report = await runSchemaFuzz({ requests: 20_000 });
  const { requests, operations, byStatus, serverErrors, faults } = report;
  console.log(
    `schema fuzz: ${requests} requests over ${operations} operations, ${serverErrors} server errors, ` +
      `${faults.length} undeclared answers; by status ${JSON.stringify(byStatus)}`,
  );
  expect(faults).toEqual([]);
  expect(serverErrors).toBe(0);
  expect(requests).toBeGreaterThanOrEqual(20_000);
  expect(report.accepted).toBeGreaterThan(10); // most of what lies behind the validation was reached too
}, 900_000);
