/** The command line, `npm run bulkhead <command>`: every command is listed, an unknown one ends with the list. */
import { parseArgs } from 'node:util';
import { commands } from './commands.ts';

function describeCommands(): string {
  const width = Math.max(...Object.keys(commands).map((name) => name.length)) + 2;
  const lines = Object.entries(commands).map(([name, { summary }]) => `  ${name.padEnd(width)}${summary}`);
  return ['Usage: npm run bulkhead -- <command> [options]', '', ...lines].join('\n');
}

async function main(): Promise<number> {
  const { positionals, values } = parseArgs({
    strict: false,
    allowPositionals: true,
    options: { help: { type: 'boolean' } },
  });
  // A command's name may have two words, such as `audit verify`.
  const name = Object.keys(commands).find((key) => key === positionals.slice(0, key.split(' ').length).join(' '));
  const command = name === undefined ? undefined : commands[name];
  const isAsked = values['help'] === true || positionals.length === 0 || positionals[0] === 'help';
  if (isAsked || name === undefined || command === undefined) {
    process[isAsked ? 'stdout' : 'stderr'].write(`${describeCommands()}\n`);
    return isAsked ? 0 : 2;
  }
  const module = await command.load();
  return module.run(process.argv.slice(2 + name.split(' ').length));
}

process.exitCode = await main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  return 1;
});
