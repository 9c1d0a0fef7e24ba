/** The one list of settings: `.env.example`, the configuration reference and the loader are all made from it (K1.1). */

export type SettingType =
  | 'string'
  | 'integer'
  | 'boolean'
  | 'port'
  | 'url'
  | 'list'
  | 'cidr-list'
  | 'secret-key'
  | 'directory'
  | 'limits'
  | { readonly oneOf: readonly string[] };

export interface Setting {
  readonly type: SettingType;
  /** Absent: the setting may be missing and is then undefined, unless `requiredWith` names another that is set. */
  readonly default?: string;
  readonly isSecret?: boolean;
  /** Must be given when that other setting is given. */
  readonly requiredWith?: string;
  /** Schemes a `url` may have, without the colon; https and http by default. */
  readonly schemes?: readonly string[];
  readonly min?: number;
  readonly max?: number;
  readonly group: 'server' | 'database' | 'secrets' | 'sign-in' | 'limits' | 'models' | 'files' | 'logs';
  readonly doc: string;
}

const settingTable = {
  HOST: { type: 'string', default: '127.0.0.1', group: 'server', doc: 'Address to listen on; 0.0.0.0 for all.' },
  PORT: { type: 'port', default: '3000', group: 'server', doc: 'TCP port to listen on; 0 takes a free one.' },
  PUBLIC_URL: {
    type: 'url',
    group: 'server',
    doc: 'Address people use, such as https://bulkhead.example.com. Default: http://localhost:PORT.',
  },
  ROLE: {
    type: { oneOf: ['all', 'web', 'worker'] },
    default: 'all',
    group: 'server',
    doc: 'What this process does: serve requests, execute runs, or both.',
  },
  DATA_DIR: {
    type: 'directory',
    group: 'server',
    doc: 'Folder for the embedded database, files, secrets and backups. Default: /var/lib/bulkhead as root, else ~/.local/share/bulkhead.',
  },
  TRUSTED_PROXIES: {
    type: 'cidr-list',
    default: '',
    group: 'server',
    doc: 'Networks whose X-Forwarded-For is believed, comma-separated CIDR.',
  },
  CORS_ORIGINS: {
    type: 'list',
    default: '',
    group: 'server',
    doc: 'Origins that may call routes which allow it, comma-separated.',
  },
  REQUEST_TIMEOUT_SECONDS: {
    type: 'integer',
    default: '30',
    min: 1,
    max: 3600,
    group: 'server',
    doc: 'How long a request may take to arrive whole (uploads have ten times as long).',
  },
  DRAIN_SECONDS: {
    type: 'integer',
    default: '10',
    min: 0,
    max: 600,
    group: 'server',
    doc: 'How long a stopping server lets runs finish before others take them over.',
  },
  METRICS_TOKEN: {
    type: 'string',
    isSecret: true,
    group: 'server',
    doc: 'Bearer token for /metrics from other machines; without it only this machine may read it.',
  },
  DATABASE_URL: {
    type: 'url',
    schemes: ['postgres', 'postgresql'],
    isSecret: true,
    group: 'database',
    doc: 'PostgreSQL 15 or later, as the owner of its database. Default: an embedded PostgreSQL in DATA_DIR.',
  },
  DATABASE_POOL_SIZE: {
    type: 'integer',
    default: '16',
    min: 4,
    max: 500,
    group: 'database',
    doc: 'Connections for requests.',
  },
  REDIS_URL: {
    type: 'url',
    schemes: ['redis', 'rediss', 'valkey', 'valkeys'],
    isSecret: true,
    group: 'database',
    doc: 'Redis or Valkey that shares rate limits between processes. Default: in memory when embedded, else PostgreSQL.',
  },
  BACKUP_KEEP_DAYS: {
    type: 'integer',
    default: '14',
    min: 1,
    max: 3650,
    group: 'database',
    doc: 'How long backups are kept.',
  },
  MASTER_KEY: {
    type: 'secret-key',
    isSecret: true,
    requiredWith: 'DATABASE_URL',
    group: 'secrets',
    doc: '32 random bytes in base64 (openssl rand -base64 32); wraps the keys that encrypt stored credentials. Made by itself when embedded.',
  },
  AUTH_SECRET: {
    type: 'secret-key',
    isSecret: true,
    requiredWith: 'DATABASE_URL',
    group: 'secrets',
    doc: '32 random bytes in base64; signs sessions and links. Made by itself when embedded.',
  },
  SIGN_UP: {
    type: { oneOf: ['closed', 'open'] },
    default: 'closed',
    group: 'sign-in',
    doc: 'Whether strangers may create accounts. The owner is created by the one-time link either way.',
  },
  PASSWORD_MIN_LENGTH: {
    type: 'integer',
    default: '12',
    min: 8,
    max: 64,
    group: 'sign-in',
    doc: 'Shortest password, in characters.',
  },
  PASSWORD_CLASSES: {
    type: 'boolean',
    default: 'true',
    group: 'sign-in',
    doc: 'Ask for upper, lower, digit and symbol. false is the NIST mode: length and blocklist only.',
  },
  SESSION_IDLE_HOURS: {
    type: 'integer',
    default: '168',
    min: 1,
    max: 8760,
    group: 'sign-in',
    doc: 'A session unused this long ends.',
  },
  SESSION_ABSOLUTE_DAYS: {
    type: 'integer',
    default: '30',
    min: 1,
    max: 3650,
    group: 'sign-in',
    doc: 'A session ends after this long, used or not.',
  },
  LIMITS: {
    type: 'limits',
    default: '',
    group: 'limits',
    doc: 'Overrides of rate limits: name=count/seconds, comma-separated, such as agents.chat=60/60.',
  },
  MODEL_PRIVATE_NETWORKS: {
    type: 'cidr-list',
    group: 'models',
    doc: 'Private networks where model endpoints may live. Default: this machine when embedded, none with DATABASE_URL.',
  },
  OUTBOUND_PRIVATE_NETWORKS: {
    type: 'cidr-list',
    default: '',
    group: 'models',
    doc: 'Private networks that other outbound requests may reach.',
  },
  MODEL_CONNECT_TIMEOUT_MS: {
    type: 'integer',
    default: '5000',
    min: 10,
    max: 600000,
    group: 'models',
    doc: 'Time to connect to a model endpoint.',
  },
  MODEL_FIRST_TOKEN_TIMEOUT_MS: {
    type: 'integer',
    default: '60000',
    min: 10,
    max: 3600000,
    group: 'models',
    doc: 'Time until the first token.',
  },
  MODEL_IDLE_TIMEOUT_MS: {
    type: 'integer',
    default: '30000',
    min: 10,
    max: 3600000,
    group: 'models',
    doc: 'Longest silence in the middle of an answer.',
  },
  MODEL_TOTAL_TIMEOUT_MS: {
    type: 'integer',
    default: '600000',
    min: 10,
    max: 86400000,
    group: 'models',
    doc: 'Longest answer.',
  },
  MODEL_CONCURRENCY: {
    type: 'integer',
    default: '1000',
    min: 1,
    max: 100000,
    group: 'models',
    doc: 'Calls at once per model connection; more wait.',
  },
  UPLOAD_MAX_MB: { type: 'integer', default: '50', min: 1, max: 4096, group: 'files', doc: 'Largest file, in MiB.' },
  LOG_LEVEL: {
    type: { oneOf: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] },
    default: 'info',
    group: 'logs',
    doc: 'How much is logged.',
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settingTable;

/** settings is the schema, by name. */
export const settings: Readonly<Record<SettingName, Setting>> = settingTable;
