/**
 * The import rules hold, and are known to bite: no violation in the sources, more than nothing looked at, and in
 * `lint/canary` a violation found of every rule there is.
 */
import { join } from 'node:path';
import { findTool, root, runTool } from './run-tool.ts';

interface Report {
  readonly summary: {
    readonly totalCruised: number;
    readonly violations: readonly {
      readonly from: string;
      readonly to: string;
      readonly rule: { readonly name: string };
    }[];
    readonly ruleSetUsed: { readonly forbidden: readonly { readonly name: string }[] };
  };
}

/** leastModules: with a TypeScript it cannot load, dependency-cruiser sees almost nothing and reports success. */
const leastModules = 50;

async function cruise(cwd: string, folders: readonly string[]): Promise<Report['summary']> {
  const args = ['--config', join(root, '.dependency-cruiser.mjs'), '--output-type', 'json', ...folders];
  const { stdout, output } = await runTool(findTool('dependency-cruiser', 'depcruise'), args, cwd);
  try {
    return (JSON.parse(stdout) as Report).summary;
  } catch (cause) {
    throw new Error(`dependency-cruiser did not report: ${output.slice(0, 2_000)}`, { cause });
  }
}

/** judgeCanary returns a sentence for each rule that caught nothing in the canary. */
export function judgeCanary({
  violations,
  ruleSetUsed,
}: Pick<Report['summary'], 'violations' | 'ruleSetUsed'>): string[] {
  const caught = new Set(violations.map(({ rule }) => rule.name));
  return ruleSetUsed.forbidden
    .filter(({ name }) => !caught.has(name))
    .map(({ name }) => `rule ${name} no longer catches its violation in lint/canary`);
}

/** checkImportRules returns one line per problem. */
export async function checkImportRules(): Promise<string[]> {
  const [sources, canary] = await Promise.all([
    cruise(root, ['src']),
    cruise(join(root, 'lint', 'canary'), ['src', 'packages']),
  ]);
  const problems = sources.violations.map(({ rule, from, to }) => `${rule.name}: ${from} → ${to}`);
  if (sources.totalCruised < leastModules) problems.push(`only ${sources.totalCruised} modules were looked at`);
  return [...problems, ...judgeCanary(canary)];
}
