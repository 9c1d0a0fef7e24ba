/** `bulkhead keys list [--json]`, `keys rotate [--data-keys] [--batch n]`, `keys forget <id>`: arguments before anything is opened. */
import { parseArgs } from 'node:util';
import { currentEnvironment, loadConfig } from '#kernel/config';
import type { CommandModule } from './commands.ts';
import { forgetKey, listKeys, rotateKeys, type KeysCommand } from './keys.ts';

const defaultBatch = 500;

function openCommand(): KeysCommand {
  return { config: loadConfig(currentEnvironment()).config, print: (line) => console.log(line) };
}

/** list prints every master key's id, state, age and use. */
export const list: CommandModule = {
  async run(args) {
    const { values } = parseArgs({ args: [...args], options: { json: { type: 'boolean', default: false } } });
    return listKeys(openCommand(), values.json);
  },
};

/** rotate replaces the master key and rewraps or renews every data key; repeated after an interruption it goes on. */
export const rotate: CommandModule = {
  async run(args) {
    const { values } = parseArgs({
      args: [...args],
      options: { 'data-keys': { type: 'boolean', default: false }, batch: { type: 'string' } },
    });
    const batchSize = Number(values.batch ?? defaultBatch);
    if (!Number.isInteger(batchSize) || batchSize < 1 || batchSize > 10_000)
      throw new TypeError('--batch is how many data keys or texts are done at once, from 1 to 10000');
    await rotateKeys(openCommand(), { batchSize, isRenewingDataKeys: values['data-keys'] });
    return 0;
  },
};

/** forget drops a replaced key that nothing but old backups needs. */
export const forget: CommandModule = {
  async run(args) {
    const [id, ...rest] = args; // not parsed: an id may begin with a hyphen
    if (id === undefined || rest.length > 0) throw new TypeError('Usage: npm run bulkhead -- keys forget <id>');
    await forgetKey(openCommand(), id);
    return 0;
  },
};
