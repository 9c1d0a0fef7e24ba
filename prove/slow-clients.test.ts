import { expect, test } from 'vitest';
import { runSlowClients } from './slow-clients.ts';

test('[K15.3] beside 500 sockets that trickle headers and bodies a good client waits less than three times as long', async () => {
  const report = await runSlowClients({ sockets: 500, requests: 5_000 });
  console.log(`slow clients: ${JSON.stringify(report)}`);
  expect(report.failed).toBe(0);
  expect(report.openMost).toBeGreaterThanOrEqual(475);
  expect(report.cut).toBeGreaterThan(0);
  expect(report.ratio).toBeLessThan(3);
}, 240_000);
