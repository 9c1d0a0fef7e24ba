/** Loading either gives a frozen, complete configuration or names every problem at once (K1.2). */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { isIP } from 'node:net';
import { settings, type Setting, type SettingName } from './settings.ts';
import { secretWeakness } from './secret-strength.ts';

export type LimitOverrides = Readonly<Record<string, { readonly max: number; readonly windowSeconds: number }>>;

/** Config is the effective configuration; durations carry their unit in the name. */
export interface Config {
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly role: 'all' | 'web' | 'worker';
  readonly dataDir: string;
  readonly trustedProxies: readonly string[];
  readonly corsOrigins: readonly string[];
  readonly requestTimeoutSeconds: number;
  readonly drainSeconds: number;
  readonly metricsToken: string | undefined;
  readonly databaseUrl: string | undefined;
  readonly databasePoolSize: number;
  readonly redisUrl: string | undefined;
  readonly backupKeepDays: number;
  /** Base64 of 32 bytes; undefined until embedded mode has made or read its own. */
  readonly masterKey: string | undefined;
  readonly authSecret: string | undefined;
  readonly signUp: 'closed' | 'open';
  readonly passwordMinLength: number;
  readonly passwordClasses: boolean;
  readonly sessionIdleHours: number;
  readonly sessionAbsoluteDays: number;
  readonly limits: LimitOverrides;
  readonly modelPrivateNetworks: readonly string[];
  readonly outboundPrivateNetworks: readonly string[];
  readonly modelConnectTimeoutMs: number;
  readonly modelFirstTokenTimeoutMs: number;
  readonly modelIdleTimeoutMs: number;
  readonly modelTotalTimeoutMs: number;
  readonly modelConcurrency: number;
  readonly uploadMaxMb: number;
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
}

export type Source = 'environment' | 'default' | 'data folder';
export type Environment = Readonly<Record<string, string | undefined>>;

/** ConfigProblem is one missing or malformed setting. It never carries the value of a secret. */
export interface ConfigProblem {
  readonly name: string;
  readonly expected: string;
}

/** ConfigError lists every problem of a start. */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super(
      `The configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n` +
        problems.map((problem) => `  ${problem.name}: ${problem.expected}`).join('\n'),
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

const localNetworks = '127.0.0.0/8,::1/128';

/** defaultDataDir is outside any checkout, so that replacing the program never touches the data. */
export function defaultDataDir(environment: Environment): string {
  if (process.getuid?.() === 0) return '/var/lib/bulkhead';
  return join(environment['XDG_DATA_HOME'] ?? join(homedir(), '.local', 'share'), 'bulkhead');
}

function isCidr(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const version = isIP(address);
  if (version === 0 || more !== undefined) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (version === 4 ? 32 : 128));
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function parseLimits(text: string): LimitOverrides | null {
  const overrides: Record<string, { max: number; windowSeconds: number }> = {};
  for (const part of splitList(text)) {
    const match = /^([a-z][a-z0-9.-]*)=(\d{1,9})\/(\d{1,7})$/.exec(part);
    if (!match) return null;
    const [, name = '', max, windowSeconds] = match;
    if (Number(max) < 1 || Number(windowSeconds) < 1) return null;
    overrides[name] = Object.freeze({ max: Number(max), windowSeconds: Number(windowSeconds) });
  }
  return Object.freeze(overrides);
}

function isUrl(text: string, schemes: readonly string[]): boolean {
  return URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1));
}

/** parseValue returns the typed value, or `expected:` and what was. */
function parseValue(setting: Setting, text: string): { value: unknown } | { expected: string } {
  const { type, min = 0, max = Number.MAX_SAFE_INTEGER, schemes = ['https', 'http'] } = setting;
  if (typeof type === 'object') {
    return type.oneOf.includes(text) ? { value: text } : { expected: `expected one of ${type.oneOf.join(', ')}` };
  }
  switch (type) {
    case 'string':
      return text === '' ? { expected: 'expected some text' } : { value: text };
    case 'directory':
      return text === '' ? { expected: 'expected a folder' } : { value: resolve(text) };
    case 'integer': {
      const isInRange = /^\d{1,15}$/.test(text) && Number(text) >= min && Number(text) <= max;
      return isInRange ? { value: Number(text) } : { expected: `expected a whole number from ${min} to ${max}` };
    }
    case 'port':
      return /^\d{1,5}$/.test(text) && Number(text) <= 65_535
        ? { value: Number(text) }
        : { expected: 'expected a port, a whole number from 0 to 65535' };
    case 'boolean':
      return text === 'true' || text === 'false' ? { value: text === 'true' } : { expected: 'expected true or false' };
    case 'url':
      return isUrl(text, schemes)
        ? { value: text }
        : { expected: `expected a URL that starts with ${schemes.map((scheme) => `${scheme}://`).join(' or ')}` };
    case 'list':
      return { value: Object.freeze(splitList(text)) };
    case 'cidr-list': {
      const parts = splitList(text);
      return parts.every(isCidr)
        ? { value: Object.freeze(parts) }
        : { expected: 'expected networks in CIDR form, comma-separated, such as 10.0.0.0/8' };
    }
    case 'secret-key': {
      const weakness = secretWeakness(text);
      return weakness
        ? { expected: `${weakness}; expected 32 random bytes in base64 (openssl rand -base64 32)` }
        : { value: text };
    }
    case 'limits': {
      const limits = parseLimits(text);
      return limits
        ? { value: limits }
        : { expected: 'expected name=count/seconds, comma-separated, such as agents.chat=60/60' };
    }
  }
}

/** camelCase turns a setting's name into its member of Config: `DATA_DIR` is `dataDir`. */
export function camelCase(name: string): string {
  return name.toLowerCase().replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export interface LoadedConfig {
  readonly config: Config;
  readonly sources: Readonly<Record<SettingName, Source>>;
}

/** loadConfig reads every setting from `environment`. Throws ConfigError naming all problems. */
export function loadConfig(environment: Environment): LoadedConfig {
  const problems: ConfigProblem[] = [];
  const values: Record<string, unknown> = {};
  const sources = {} as Record<SettingName, Source>;
  const isEmbedded = !environment['DATABASE_URL'];
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting][]) {
    const given = environment[name];
    const isGiven = given !== undefined && given !== '';
    sources[name] = isGiven ? 'environment' : 'default';
    const text = isGiven ? given : setting.default;
    if (text === undefined) {
      if (setting.requiredWith && environment[setting.requiredWith]) {
        problems.push({ name, expected: `is required with ${setting.requiredWith}: ${setting.doc}` });
      }
      values[camelCase(name)] = undefined;
      continue;
    }
    const parsed = parseValue(setting, text);
    if ('expected' in parsed) problems.push({ name, expected: parsed.expected });
    else values[camelCase(name)] = parsed.value;
  }
  if (problems.length > 0) throw new ConfigError(problems);
  values['dataDir'] ??= defaultDataDir(environment);
  values['modelPrivateNetworks'] ??= Object.freeze(isEmbedded ? splitList(localNetworks) : []);
  return { config: Object.freeze(values) as unknown as Config, sources: Object.freeze(sources) };
}
