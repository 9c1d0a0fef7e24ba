/** Adds up what several Vitest runs reported; a run that broke before or after its tests counts as failed. */
import { readFileSync } from 'node:fs';

export interface Counts {
  readonly passed: number;
  readonly failed: number;
}

export interface FileResult {
  /** Relative to the project. */
  readonly file: string;
  readonly passed: number;
  /** Names of the tests that failed. */
  readonly failed: readonly string[];
}

/** What one Vitest run said of itself, written by `report-results.ts`. */
export interface Report {
  readonly files: readonly FileResult[];
  /** Errors outside every test. */
  readonly unhandledErrors: number;
}

/** More failed files than this have one reason, which another try would only hide. */
const triedAgainAtMost = 3;

/** readReport reads the file a run left behind; null when it was killed or crashed before it could report. */
export function readReport(path: string): Report | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Report;
  } catch {
    return null;
  }
}

/**
 * countReport counts tests. A file that could not be loaded counts as one failure, and so does a run without a report
 * or one that failed for another reason (an unhandled error, coverage below its threshold).
 */
export function countReport(report: Report | null, exitCode: number): Counts {
  if (!report) return { passed: 0, failed: 1 };
  const passed = report.files.reduce((sum, file) => sum + file.passed, 0);
  const failed = report.files.reduce((sum, file) => sum + file.failed.length, 0);
  const hasHiddenFailure = failed === 0 && (exitCode !== 0 || report.unhandledErrors > 0);
  return { passed, failed: hasHiddenFailure ? 1 : failed };
}

/**
 * filesToTryAgain names the files whose tests deserve a second run from their beginning: few, in a run in which nothing
 * else went wrong. A file that passes then was unsteady, which is a fault to mend and is said, but no reason to stop.
 */
export function filesToTryAgain(report: Report | null): readonly FileResult[] {
  if (!report || report.unhandledErrors > 0) return [];
  const failed = report.files.filter((file) => file.failed.length > 0);
  return failed.length <= triedAgainAtMost ? failed : [];
}

/** replaceFiles is the first report with the files of the second in place of its own. */
export function replaceFiles(first: Report, second: Report): Report {
  const again = new Map(second.files.map((file) => [file.file, file]));
  return {
    files: first.files.map((file) => again.get(file.file) ?? file),
    unhandledErrors: first.unhandledErrors + second.unhandledErrors,
  };
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
