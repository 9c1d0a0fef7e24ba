/** A test run leaves no server, folder or database behind, and clears away what a killed run could not. */
import {
  dropRunDatabases,
  defaultClusterKind,
  obtainCluster,
  removeTestFolder,
  sweepDeadRuns,
} from './test-cluster.ts';

/** setup names the run for its workers and returns the teardown. The cluster starts when a test first asks for it. */
export default function setup(): () => Promise<void> {
  const run = process.pid;
  process.env['BULKHEAD_TEST_RUN'] = String(run);
  sweepDeadRuns();
  return async () => {
    removeTestFolder(run);
    if (defaultClusterKind() === 'external') await dropRunDatabases(await obtainCluster('external'), run);
  };
}
