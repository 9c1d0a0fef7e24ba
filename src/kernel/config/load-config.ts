/** Loading either gives a frozen, complete configuration or names every problem at once (K1.2). */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseValue, splitList } from './parse-value.ts';
import { settings, type Setting, type SettingName } from './settings.ts';
import type { OidcProviderSetting } from './parse-oidc-providers.ts';

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
  readonly deletionGraceDays: number;
  /** Undefined: audit records are kept for ever. */
  readonly auditKeepDays: number | undefined;
  /** E-mail address or https URL. */
  readonly securityContact: string | undefined;
  /** Base64 of 32 bytes; undefined until embedded mode has made or read its own. */
  readonly masterKey: string | undefined;
  /** Master keys that were replaced; they only decrypt. */
  readonly masterKeyPrevious: readonly string[];
  readonly authSecret: string | undefined;
  readonly signUp: 'closed' | 'open';
  readonly passwordMinLength: number;
  readonly passwordClasses: boolean;
  readonly breachRangeUrl: string | undefined;
  readonly sessionIdleHours: number;
  readonly sessionAbsoluteDays: number;
  readonly stepUpMinutes: number;
  readonly tokenAccessMinutes: number;
  readonly tokenRefreshHours: number;
  readonly organisationsPerPerson: number;
  readonly googleClientId: string | undefined;
  readonly googleClientSecret: string | undefined;
  readonly githubClientId: string | undefined;
  readonly githubClientSecret: string | undefined;
  readonly githubUrl: string;
  readonly appleClientId: string | undefined;
  readonly appleTeamId: string | undefined;
  readonly appleKeyId: string | undefined;
  readonly applePrivateKey: string | undefined;
  readonly appleAppIds: readonly string[];
  readonly signOnOidc: readonly OidcProviderSetting[];
  readonly signOnTimeoutMs: number;
  readonly dnsServers: readonly string[];
  readonly limits: LimitOverrides;
  readonly currency: string;
  readonly defaultPlan: 'free' | 'pro' | 'enterprise';
  /** Monthly credits per plan, in millionths of the currency; undefined: no ceiling. */
  readonly planCreditsFree: number | undefined;
  readonly planCreditsPro: number | undefined;
  readonly planCreditsEnterprise: number | undefined;
  readonly modelPrivateNetworks: readonly string[];
  readonly outboundPrivateNetworks: readonly string[];
  readonly modelConnectTimeoutMs: number;
  readonly modelFirstTokenTimeoutMs: number;
  readonly modelIdleTimeoutMs: number;
  readonly modelTotalTimeoutMs: number;
  readonly modelConcurrency: number;
  readonly uploadMaxMb: number;
  readonly importMaxMb: number;
  readonly imageMaxMb: number;
  readonly imageMaxEdge: number;
  readonly imageMaxPixels: number;
  readonly imageTimeoutSeconds: number;
  readonly mailSmtpUrl: string | undefined;
  readonly mailFrom: string | undefined;
  readonly mailSmtpTls: 'required' | 'optional';
  readonly mailTimeoutSeconds: number;
  readonly mailMaxPerRecipientHour: number;
  readonly mailKeepDays: number;
  readonly vapidPublicKey: string | undefined;
  readonly vapidPrivateKey: string | undefined;
  readonly vapidSubject: string | undefined;
  readonly notificationKeepDays: number;
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
  values['masterKeyPrevious'] ??= Object.freeze([]);
  values['signOnOidc'] ??= Object.freeze([]);
  values['modelPrivateNetworks'] ??= Object.freeze(isEmbedded ? splitList(localNetworks) : []);
  return { config: Object.freeze(values) as unknown as Config, sources: Object.freeze(sources) };
}
