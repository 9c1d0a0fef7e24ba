/** countResults adds up what several Vitest runs reported; a run that broke before or after its tests counts as failed. */
import { readFileSync } from 'node:fs';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

interface Report {
  readonly success: boolean;
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

/**
 * countReport reads one JSON report. A file that could not even be loaded has no tests in the report and counts as one
 * failure, and so does a run that failed for another reason (an unhandled error, coverage below its threshold).
 */
export function countReport(report: Report, exitCode: number): Counts {
  const brokenFiles = report.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.length === 0,
  );
  const failed = report.numFailedTests + brokenFiles.length;
  const hasHiddenFailure = failed === 0 && (exitCode !== 0 || !report.success);
  return { passed: report.numPassedTests, failed: hasHiddenFailure ? 1 : failed };
}

/** readCounts counts the report file a run left behind; no readable report is one failure. */
export function readCounts(path: string, exitCode: number): Counts {
  try {
    return countReport(JSON.parse(readFileSync(path, 'utf8')) as Report, exitCode);
  } catch {
    return { passed: 0, failed: 1 }; // the run was killed or crashed before it could report
  }
}

export function addCounts(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((sum, counts) => sum + counts.passed, 0),
    failed: all.reduce((sum, counts) => sum + counts.failed, 0),
  };
}

/** formatCounts is the one line that `npm test` ends with. */
export function formatCounts({ passed, failed }: Counts): string {
  return `${passed} passed, ${failed} failed`;
}
