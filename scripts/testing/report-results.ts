/** ReportResults is the Vitest reporter whose file `npm test` reads: what passed, and which files failed by what. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Reporter, TestModule } from 'vitest/node';
import type { Report } from './count-results.ts';

/** Names the file to write; set by `run-tests.ts`. */
export const reportVariable = 'BULKHEAD_TEST_REPORT';

export default class ReportResults implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const path = process.env[reportVariable];
    if (!path) return;
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, JSON.stringify(report(modules, unhandledErrors.length)));
  }
}

function report(modules: readonly TestModule[], unhandledErrors: number): Report {
  const files = modules.map((module) => {
    const tests = [...module.children.allTests()];
    const failed = tests.filter((test) => test.result().state === 'failed').map((test) => test.fullName);
    // What broke beside every test (loading the file, a hook) is no test's failure.
    if (module.state() === 'failed' && failed.length === 0) failed.push('the file itself');
    return {
      file: module.relativeModuleId,
      passed: tests.filter((test) => test.result().state === 'passed').length,
      failed,
    };
  });
  return { files, unhandledErrors };
}
