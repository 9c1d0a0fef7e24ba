/** `bulkhead config` prints the effective settings and where each came from, secrets masked (K1.4). */
import { parseArgs } from 'node:util';
import { currentEnvironment, describeConfig, loadConfig } from '#kernel/config';

/** run prints a table, or with `--json` an array of {name, value, source}. Throws ConfigError when a setting is bad. */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean' } } });
  const rows = describeConfig(loadConfig(currentEnvironment()));
  if (values.json) {
    console.log(JSON.stringify(rows, null, 2));
    return 0;
  }
  const widths = [Math.max(...rows.map(({ name }) => name.length)), Math.max(...rows.map(({ value }) => value.length))];
  for (const { name, value, source } of rows) {
    console.log(`${name.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${source}`);
  }
  return 0;
}
