/** The effective settings can be shown to anybody who may see a terminal: values, origins, and no secret (K1.4). */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { camelCase, type LoadedConfig, type Source } from './load-config.ts';
import { settings, type Setting, type SettingName } from './settings.ts';

/** SettingDescription is one line of `bulkhead config`. */
export interface SettingDescription {
  readonly name: SettingName;
  /** For people: masked when secret, `(not set)` when there is none. */
  readonly value: string;
  readonly source: Source;
}

const mask = '********';

/** maskUrl keeps what helps to find a mistake (scheme, user, host, port, path) and drops password and parameters. */
function maskUrl(text: string): string {
  const url = new URL(text);
  if (url.password !== '') url.password = mask;
  url.search = '';
  url.hash = '';
  return url.href;
}

function showValue(setting: Setting, value: unknown): string {
  if (value === undefined) return '(not set)';
  if (Array.isArray(value) && value.length === 0) return '(none)';
  if (setting.isSecret) return setting.type === 'url' ? maskUrl(value as string) : mask;
  if (Array.isArray(value)) return value.join(',');
  if (typeof value !== 'object' || value === null) return `${value as string | number | boolean}`;
  const limits = Object.entries(value as LoadedConfig['config']['limits']);
  return limits.length === 0
    ? '(none)'
    : limits.map(([name, { max, windowSeconds }]) => `${name}=${max}/${windowSeconds}`).join(',');
}

/** describeConfig lists every setting in the order of the schema. */
export function describeConfig({ config, sources }: LoadedConfig): SettingDescription[] {
  const isEmbedded = config.databaseUrl === undefined;
  return (Object.entries(settings) as [SettingName, Setting][]).map(([name, setting]) => {
    const value = (config as unknown as Record<string, unknown>)[camelCase(name)];
    if (isEmbedded && value === undefined && setting.requiredWith === 'DATABASE_URL') {
      const isMade = existsSync(join(config.dataDir, 'secrets.json'));
      return { name, value: isMade ? mask : '(made at the first start)', source: 'data folder' };
    }
    return { name, value: showValue(setting, value), source: sources[name] };
  });
}
