/** A fuzz from the command line: how much and by which seed, its report as JSON, exit code 1 when it found something. */
import { parseArgs } from 'node:util';
import type { Say } from './try-all.ts';

export interface CommandOptions {
  readonly count: number;
  readonly seed: number;
  readonly say: Say;
}

/** runAsCommand takes `--seed` and the count under the name given; `foundBy` lists what a report holds against the server. */
export async function runAsCommand<Report>(
  countName: string,
  run: (options: CommandOptions) => Promise<Report>,
  foundBy: (report: Report) => readonly string[],
): Promise<void> {
  const { values } = parseArgs({
    options: { [countName]: { type: 'string', default: '20000' }, seed: { type: 'string', default: '20261121' } },
  });
  const report = await run({
    count: Number(values[countName]),
    seed: Number(values['seed']),
    say: (line) => console.log(line),
  });
  console.log(JSON.stringify(report, null, 2));
  process.exitCode = foundBy(report).length === 0 ? 0 : 1;
}
