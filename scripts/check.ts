/**
 * `npm run check`: format, lint, types, import rules, dead code and generated pages, in that order. Every check runs even
 * when one before it failed; the exit code is 0 only when all passed. Arguments select checks by name.
 */
import { checkImportRules } from './checks/import-rules.ts';
import { findTool, runTool, type ToolResult } from './checks/run-tool.ts';

interface Check {
  readonly name: string;
  /** Resolves to what is wrong; empty when nothing is. */
  readonly run: () => Promise<string>;
}

function tool(packageName: string, program: string, args: readonly string[]): () => Promise<string> {
  return async () => judge(await runTool(findTool(packageName, program), args));
}

/** judge gives the output of a tool that failed, and nothing for one that passed, whatever it printed. */
function judge({ code, output }: ToolResult): string {
  return code === 0 ? '' : output.trim() || `ended with exit code ${code}`;
}

const checks: readonly Check[] = [
  { name: 'format', run: tool('oxfmt', 'oxfmt', ['--check', '.']) },
  { name: 'lint', run: tool('oxlint', 'oxlint', ['--format', 'unix']) },
  { name: 'types', run: tool('@typescript/native', 'tsc', ['-b', 'tsconfig.server.json', 'tsconfig.web.json']) },
  { name: 'imports', run: async () => (await checkImportRules()).join('\n') },
  { name: 'unused', run: tool('knip', 'knip', ['--no-progress']) },
  {
    name: 'unused in production',
    run: tool('knip', 'knip', ['--no-progress', '--production', '--include', 'files,dependencies,unlisted,unresolved']),
  },
  { name: 'generated pages', run: async () => judge(await runTool('scripts/docs.ts', ['--check'])) },
];

async function main(names: readonly string[]): Promise<number> {
  const unknown = names.filter((name) => checks.every((check) => check.name !== name));
  if (unknown.length > 0) {
    console.error(`There is no check ${unknown.join(', ')}; there are: ${checks.map(({ name }) => name).join(', ')}.`);
    return 2;
  }
  let failures = 0;
  for (const { name, run } of checks.filter((check) => names.length === 0 || names.includes(check.name))) {
    const startedAt = performance.now();
    const problems = await run().catch((error: unknown) => String(error));
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    console.log(`${problems === '' ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
    if (problems === '') continue;
    failures += 1;
    console.log(problems.replaceAll(/^/gm, '       '));
  }
  console.log(failures === 0 ? '\nAll checks passed.' : `\n${failures} of ${checks.length} checks failed.`);
  return failures === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
