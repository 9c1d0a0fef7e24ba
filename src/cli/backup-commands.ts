/** `bulkhead backup [file]`, `verify <file>` and `restore <file> [--replace]`: arguments are checked before anything is opened. */
import { parseArgs } from 'node:util';
import { currentEnvironment, loadConfig } from '#kernel/config';
import { runBackup, runRestore, runVerify, type BackupCommand } from './backup.ts';
import type { CommandModule } from './commands.ts';

function openCommand(): BackupCommand {
  const { config } = loadConfig(currentEnvironment());
  return { config, print: (line) => console.log(line) };
}

/** onlyPath takes the one path a command has. Throws a sentence for the terminal. */
function onlyPath(usage: string, positionals: readonly string[]): string {
  const [path, ...rest] = positionals;
  if (path === undefined || rest.length > 0) throw new TypeError(`Usage: npm run bulkhead -- ${usage}`);
  return path;
}

/** backup writes a verified backup into DATA_DIR/backups, or to the file named. */
export const backup: CommandModule = {
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    const path = positionals.length === 0 ? undefined : onlyPath('backup [file]', positionals);
    await runBackup(openCommand(), path);
    return 0;
  },
};

/** verify checks a backup by restoring it into a scratch database. */
export const verify: CommandModule = {
  async run(args) {
    const { positionals } = parseArgs({ args: [...args], allowPositionals: true });
    await runVerify(openCommand(), onlyPath('verify <file>', positionals));
    return 0;
  },
};

/** restore replaces the database by a backup; one that holds data only with `--replace`. */
export const restore: CommandModule = {
  async run(args) {
    const { positionals, values } = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: { replace: { type: 'boolean', default: false } },
    });
    await runRestore(openCommand(), onlyPath('restore <file> [--replace]', positionals), values.replace);
    return 0;
  },
};
